#!/usr/bin/env bats
# create, start, state, kill, delete, list: the states of a container and what may be done in each.
# time-limit: 900
load helpers

setup() {
    id=life-$BATS_TEST_NUMBER
    new_bundle bundle sleep 1000
    remember_machine
}

teardown() {
    nacre delete --force "$id"
    assert_nothing_left
}

create() {
    nacre create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" "$id" </dev/null >/dev/null 2>&1
}

@test "created, running, stopped, gone" {
    create
    [ "$(container_status "$id")" = created ]
    nacre start "$id"
    [ "$(container_status "$id")" = running ]
    nacre kill "$id" KILL
    wait_until 60 has_status "$id" stopped
    [ "$(nacre state "$id" | jq .pid)" -eq 0 ]
    nacre delete "$id"
    run nacre state "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not exist"* ]]
}

@test "the pid file holds a living process, without a newline" {
    create
    pid=$(cat "$BATS_TEST_TMPDIR/pid")
    [ "$(stat -c %s "$BATS_TEST_TMPDIR/pid")" -eq "${#pid}" ]
    [ -d "/proc/$pid" ]
    [ "$(nacre state "$id" | jq .pid)" -eq "$pid" ]
}

@test "the caller can reap the exit status from the pid it was given" {
    set_command sh -c 'exit 7'
    cat >"$BATS_TEST_TMPDIR/reap.py" <<'PY'
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
bundle, name, pid_file = sys.argv[1:]
quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
subprocess.run(["nacre", "create", "--bundle", bundle, "--pid-file", pid_file, name], **quiet)
subprocess.run(["nacre", "start", name], **quiet)
print(os.waitstatus_to_exitcode(os.waitpid(int(open(pid_file).read()), 0)[1]))
PY
    run timeout 300 python3 "$BATS_TEST_TMPDIR/reap.py" "$bundle" "$id" "$BATS_TEST_TMPDIR/pid"
    [ "$output" = 7 ]
}

@test "an id is used once" {
    create
    run nacre create --bundle "$bundle" "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"container with given ID already exists"* ]]
}

@test "a running container is deleted only by force" {
    create
    nacre start "$id"
    run nacre delete "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"cannot delete container $id that is not stopped: running"* ]]
    nacre delete --force "$id"
    run nacre state "$id"
    [ "$status" -eq 1 ]
}

@test "a created container can be deleted, and cannot be started twice" {
    create
    nacre start "$id"
    run nacre start "$id"
    [ "$status" -eq 1 ]
}

@test "a pidfd socket gives the process itself, and a container that is not started yet ends at SIGTERM" {
    cat >"$BATS_TEST_TMPDIR/terminate.py" <<'PY'
import signal, socket, subprocess, sys
bundle, name, path = sys.argv[1:]
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(1)
quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
subprocess.run(["nacre", "create", "--bundle", bundle, "--pidfd-socket", path, name], **quiet)
message, descriptors, _, _ = socket.recv_fds(server.accept()[0], 64, 1)
print(message.decode())
signal.pidfd_send_signal(descriptors[0], signal.SIGTERM)
PY
    run timeout 300 python3 "$BATS_TEST_TMPDIR/terminate.py" "$bundle" "$id" "$BATS_TEST_TMPDIR/pidfd.sock"
    [ "$output" = standard ]
    wait_until 60 has_status "$id" stopped
}

@test "list shows it, as table, as ids and as json" {
    create
    [[ "$(nacre list)" == *"$id"*created* ]]
    [ "$(nacre list -q)" = "$id" ]
    [ "$(nacre list --format json | jq -r '.[0].id')" = "$id" ]
}

@test "a signal reaches the program, which may handle it" {
    set_command sh -c 'trap "exit 33" TERM; while :; do sleep 0.1; done'
    create
    nacre start "$id"
    sleep 1
    nacre kill "$id" TERM
    wait_until 60 has_status "$id" stopped
}

@test "the processes are in the configured cgroup, which goes with the container" {
    edit_config '.linux.cgroupsPath = "/nacre-test/one"'
    create
    grep -qx "$(cat "$BATS_TEST_TMPDIR/pid")" /sys/fs/cgroup/nacre-test/one/cgroup.procs
    nacre delete --force "$id"
    [ ! -e /sys/fs/cgroup/nacre-test/one ]
    rmdir /sys/fs/cgroup/nacre-test
}

# What the container runs: a program that sends these, each as one message, and stays. The host's perl, since busybox
# has no such program.
set_notifications() {
    # shellcheck disable=SC2016 # perl's variables
    set_command perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_DGRAM, 0); my $to = sockaddr_un($ENV{NOTIFY_SOCKET});
        send($s, $_, 0, $to) or die "$!" for @ARGV; sleep 1000' "$@"
    edit_config '.mounts += [("/usr", "/lib", "/lib64") | {type: "bind", destination: ., source: ., options: ["rbind", "ro"]}]'
}

@test "a service manager is told when the container is ready: start, and run in the foreground" {
    export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify.sock
    start_manager "$NOTIFY_SOCKET"
    set_notifications STATUS=starting $'STATUS=up\nREADY=1'
    create
    nacre start "$id"
    [ "$(container_status "$id")" = running ]
    [ "$(xargs <"$BATS_TEST_TMPDIR/told")" = "READY=1 MAINPID=$(cat "$BATS_TEST_TMPDIR/pid") BARRIER=1" ]
    nacre delete --force "$id"
    command nacre run --bundle "$bundle" "$id" >/dev/null 2>&1 3>&- &
    runner=$!
    wait_until 180 grep -qx "MAINPID=$runner" "$BATS_TEST_TMPDIR/told"
    nacre kill "$id" KILL
    run wait "$runner"
    set_command true
    create
    nacre start "$id"
    kill "$manager"
}

@test "what a container sends to a notify socket of the host that it was given arrives as it is" {
    mkdir "$bundle/notify"
    start_manager "$bundle/notify/notify.sock"
    set_notifications STATUS=starting READY=1
    edit_config '.mounts += [{type: "bind", destination: "/run/notify", source: "notify", options: ["bind", "rw"]}]'
    edit_config '.process.env += ["NOTIFY_SOCKET=/run/notify/notify.sock"]'
    create
    nacre start "$id"
    wait_until 60 grep -qx READY=1 "$BATS_TEST_TMPDIR/told"
    [ "$(xargs <"$BATS_TEST_TMPDIR/told")" = "STATUS=starting READY=1" ]
    kill "$manager"
}
