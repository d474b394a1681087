#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016 # set by run and helpers; shells of containers expand
# podman with nacre as its runtime: conmon, containers/storage, images built from Debian packages. No network.
# time-limit: 1500
# memory: 6G
load helpers

image=docker.io/library/nacre-busybox:test

setup_file() {
    podman load --quiet --input "$(image_dir)/busybox.oci.tar" >&2
    # podman makes its directories, the cgroup that is the parent of all, and one to see whether limits are possible.
    podman run --rm --memory 64m "$image" true
}

setup() {
    remember_machine
}

teardown() {
    podman rm --all --force --time 0 >/dev/null 2>&1
    podman volume prune --force >/dev/null 2>&1
    assert_nothing_left
}

# What an administrator has in containers.conf, and no network.
podman() {
    CONTAINERS_CONF=$BATS_FILE_TMPDIR/containers.conf timeout --kill-after=5 300 podman "$@" 3>&-
}

write_configuration() {
    cat >"$BATS_FILE_TMPDIR/containers.conf" <<TOML
[containers]
netns = "none"
[engine]
runtime = "nacre"
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["nacre"]
[engine.runtimes]
nacre = ["$(type -P nacre)"]
TOML
}

write_configuration

run_detached() {
    podman run --detach --name box "$@" >/dev/null
}

state_of() {
    podman inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}' "$1"
}

has_state() {
    [ "$(state_of box)" = "$1" ]
}

@test "run: output, errors, input, the exit status, and a kernel of its own" {
    run --separate-stderr podman run --rm -i "$image" sh -c 'uname -r; cat; echo wrong >&2; exit 42' <<<"some input"
    [ "$status" -eq 42 ]
    [[ ${lines[0]} == *nacre* ]]
    [ "${lines[1]}" = "some input" ]
    [ "$stderr" = wrong ]
}

@test "a command that is missing or not executable is told by 127 and 126" {
    run podman run --rm "$image" nosuch
    [ "$status" -eq 127 ]
    [[ $output == *'executable file not found in $PATH'* ]]
    run podman run --rm "$image" /etc
    [ "$status" -eq 126 ]
}

@test "run -it: a terminal with the size of the caller's" {
    printf '%s\n' 'expect ready' 'send tty; stty size; exit 5\n' settle >"$BATS_TEST_TMPDIR/script"
    run "$integration_dir/tests/terminal/drive.py" foreground "$BATS_TEST_TMPDIR/script" -- \
        env CONTAINERS_CONF="$BATS_FILE_TMPDIR/containers.conf" podman run --rm -it "$image" sh -c 'echo ready; exec sh'
    [[ $output == *"/dev/pts/0"* ]]
    [[ $output == *"24 80"* ]]
    [[ $output == *"status 5"* ]]
}

@test "run --detach, ps, logs, exec, top, stats, pause, kill, inspect" {
    run_detached "$image" sh -c 'echo out; echo err >&2; trap "exit 3" USR1; while :; do sleep 0.1; done'
    wait_until 60 eval 'podman logs box 2>&1 | grep -q err'
    [ "$(podman logs box 2>/dev/null)" = out ]
    [ "$(podman ps --format '{{.Names}}')" = box ]
    run podman exec --env A=b --workdir /tmp --user 65534 box sh -c 'echo $A $PWD $(id -u); exit 9'
    [ "$status" -eq 9 ]
    [ "$output" = "b /tmp 65534" ]
    [ "$(echo text | podman exec -i box cat)" = text ]
    run podman exec box nosuch
    [ "$status" -eq 127 ]
    podman top box -ef | grep -q "sh -c echo out"
    podman stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' box | grep -qE '^[1-9][0-9]* [0-9.]+[kM]B'
    podman pause box
    has_state 'paused 0 false'
    podman unpause box
    podman kill --signal USR1 box
    wait_until 60 has_state 'exited 3 false'
}

@test "top: the processes in the virtual machine, as podman shows those of any container" {
    run_detached --user 65534:65533 --cap-drop all "$image" sh -c 'sleep 1000 & exec sleep 2000'
    podman exec --detach --tty --user 0 box sleep 3000
    wait_until 60 eval 'podman top box | grep -q "sleep 3000"'
    run podman top box
    [[ ${lines[0]} == USER*PID*PPID*%CPU*ELAPSED*TTY*TIME*COMMAND* ]]
    [[ $output =~ nobody\ +1\ +0\ .*\?\ .*sleep\ 2000 ]]
    [[ $output =~ nobody\ +[0-9]+\ +1\ .*sleep\ 1000 ]]
    [[ $output =~ root\ +[0-9]+\ +0\ .*pts/0\ .*sleep\ 3000 ]]
    [ ${#lines[@]} -eq 4 ]
    run podman top box pid group capeff seccomp state comm
    grep -qE '^1 +65533 +none +filter +S +sleep' <<<"$output"
    run podman top box -o pid,args
    [[ $output == *"1 sleep 2000"* ]]
    podman exec box sh -c 'kill $(pidof sleep | tr " " "\n" | grep -vx 1)' || true
    podman kill --signal KILL box
    run podman top box
    [ "$status" -ne 0 ]
}

@test "start, attach, stop and restart" {
    podman create --name box -i "$image" sh -c 'read line; echo "got $line"; sleep 100' >/dev/null
    podman start --attach --interactive box < <(echo hello; sleep 4) &
    attached=$!
    wait_until 60 eval 'podman logs box | grep -q "got hello"'
    podman stop --time 1 box
    wait "$attached" || [ $? -eq 137 ]
    has_state 'exited 137 false'
    podman start box
    has_state 'running 0 false'
    podman restart --time 0 box
    has_state 'running 0 false'
    [ "$(podman logs box)" = "got hello" ]
}

# Debian 12's conmon (2.1.6) leaves the file that tells podman of an OOM kill in its working directory, which is podman's own, and
# podman looks for it in the container's directory, whatever the runtime: only one that is started there is seen to be OOMKilled.
start_in_its_directory() {
    (cd "$(podman inspect --format '{{.StaticDir}}' "$1")" && podman start "$1")
}

@test "limits: memory, CPUs, processes; a container out of memory is OOMKilled" {
    podman create --name box --memory 64m --cpus 0.5 --pids-limit 20 "$image" \
        sh -c 'while [ ! -e /go ]; do sleep 0.1; done; exec tail /dev/zero'
    start_in_its_directory box
    run podman exec box sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max'
    [ "$output" = $'67108864\n50000 100000\n20' ]
    podman exec box touch /go
    wait_until 60 has_state 'exited 137 true'
}

@test "who and where: user, groups, working directory, hostname, environment" {
    run podman run --rm --user 1000:1001 --group-add 7 --workdir /var --hostname host --env A=b "$image" \
        sh -c 'id -u; id -g; id -G; pwd; hostname; echo $A'
    [ "$output" = $'1000\n1001\n1001 7\n/var\nhost\nb' ]
}

@test "a user namespace: ids are the container's inside, and those of the map outside" {
    mkdir -m 777 "$BATS_TEST_TMPDIR/volume"
    run podman run --rm --uidmap 0:100000:65536 --gidmap 0:200000:65536 --user 7:8 --volume "$BATS_TEST_TMPDIR/volume:/v" \
        "$image" sh -c 'id -u; id -g; touch /v/file; stat -c %u:%g /v/file /etc/passwd'
    [ "${lines[*]}" = "7 8 7:8 0:0" ]
    [ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/volume/file")" = 100007:200008 ]
}

@test "--read-only, --tmpfs, volumes, and files copied in and out" {
    mkdir "$BATS_TEST_TMPDIR/shared"
    echo host >"$BATS_TEST_TMPDIR/shared/file"
    run_detached --read-only --tmpfs /scratch:size=1m --volume data:/data --volume "$BATS_TEST_TMPDIR/shared:/shared:ro" "$image" sleep 100
    run podman exec box sh -c 'touch /file'
    [ "$status" -ne 0 ]
    run podman exec box sh -c 'touch /shared/file'
    [ "$status" -ne 0 ]
    podman exec box sh -c 'echo kept >/data/file; echo gone >/scratch/file; cat /shared/file'
    echo copied >"$BATS_TEST_TMPDIR/in"
    podman cp "$BATS_TEST_TMPDIR/in" box:/data/in
    [ "$(podman exec box cat /data/in)" = copied ]
    podman cp box:/data/file "$BATS_TEST_TMPDIR/out"
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = kept ]
    podman rm --force --time 0 box
    [ "$(podman run --rm --volume data:/data "$image" cat /data/file)" = kept ]
}

@test "capabilities, no_new_privs, seccomp, --privileged" {
    status_of() { awk -v field="$1:" '$1 == field { print $2 }' <<<"$output"; }
    run podman run --rm --cap-drop all --cap-add chown --security-opt no-new-privileges "$image" cat /proc/self/status
    [ "$(status_of CapEff)" = 0000000000000001 ]
    [ "$(status_of NoNewPrivs)" = 1 ]
    [ "$(status_of Seccomp)" = 2 ]
    run podman run --rm --security-opt seccomp=unconfined "$image" cat /proc/self/status
    [ "$(status_of Seccomp)" = 0 ]
    run podman run --rm --privileged "$image" sh -c 'cat /proc/self/status; mount -t tmpfs none /mnt || mount -t tmpfs none /tmp; echo $?'
    [ "$(status_of Seccomp)" = 0 ]
    [ "${lines[-1]}" = 0 ]
}

@test "--init reaps and passes signals on" {
    run_detached --init "$image" sh -c 'trap "exit 6" TERM; (sleep 0.2 &); while :; do sleep 0.1; done'
    podman exec box cat /proc/1/cmdline | grep -qa init
    podman stop --time 10 box
    has_state 'exited 6 false'
}

@test "a health check runs in the container" {
    run_detached --health-cmd 'test -e /well' --health-interval disable "$image" sleep 100
    run podman healthcheck run box
    [ "$status" -eq 1 ]
    podman exec box touch /well
    podman healthcheck run box
}

@test "commit, and a build with RUN steps" {
    podman run --name box "$image" sh -c 'echo made >/made'
    podman commit --quiet box localhost/committed
    [ "$(podman run --rm localhost/committed cat /made)" = made ]
    printf 'FROM %s\nRUN uname -r >/kernel && id -u >/user\nUSER 65534\nRUN id -u >/tmp/user\n' "$image" >"$BATS_TEST_TMPDIR/Containerfile"
    podman build --quiet --network none --runtime "$(type -P nacre)" --isolation oci --tag localhost/built "$BATS_TEST_TMPDIR"
    run podman run --rm localhost/built cat /kernel /user /tmp/user
    [[ ${lines[0]} == *nacre* ]]
    [ "${lines[1]} ${lines[2]}" = "0 65534" ]
    podman rmi --force localhost/built localhost/committed
}

@test "--sdnotify=container: a service manager is told what the container says" {
    export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify.sock
    start_manager "$NOTIFY_SOCKET"
    run_detached --sdnotify container --volume /usr:/usr:ro --volume /lib:/lib:ro --volume /lib64:/lib64:ro "$image" \
        perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_DGRAM, 0); send($s, "READY=1", 0, sockaddr_un($ENV{NOTIFY_SOCKET})) or die "$!"; sleep 1000'
    wait_until 60 grep -qx READY=1 "$BATS_TEST_TMPDIR/told"
    has_state 'running 0 false'
    kill "$manager"
}

@test "run --preserve-fds" {
    echo kept >"$BATS_TEST_TMPDIR/in"
    [ "$(podman_with_fd3 run --rm --preserve-fds 1 "$image" sh -c 'cat <&3')" = kept ]
}

# Like podman, with descriptor 3 open.
podman_with_fd3() {
    CONTAINERS_CONF=$BATS_FILE_TMPDIR/containers.conf timeout --kill-after=5 300 podman "$@" 3<"$BATS_TEST_TMPDIR/in"
}
