#!/usr/bin/env bats
# nacre exec: more processes in a running container, each with a host process that stands for it.
# time-limit: 900
load helpers

# One container serves all tests of the file: a start costs seconds in the lab.
setup_file() {
    export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    remember_machine
    new_bundle bundle sleep 1000
    edit_config '.process.env += ["FROM_CONFIG=yes"]'
    nacre run --detach --bundle "$bundle" exec </dev/null >/dev/null 2>&1
}

teardown_file() {
    BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    nacre delete --force exec
    assert_nothing_left
}

@test "streams are the caller's own, with end of file in both directions" {
    printf 'one\ntwo\n' | nacre exec exec sh -c 'cat; echo err >&2' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = $'one\ntwo' ]
    [ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
    [ "$(nacre exec exec head -c 3000000 /dev/zero | wc -c)" -eq 3000000 ]
}

@test "the exit status is the process's, and 128 + n for signal n" {
    for code in 0 1 42 255; do
        run nacre exec exec sh -c "exit $code"
        [ "$status" -eq "$code" ]
    done
    run nacre exec exec sh -c 'kill -9 $$'
    [ "$status" -eq 137 ]
}

@test "it is in the container: namespaces, root, hostname, and its words are its own" {
    run nacre exec exec sh -c 'hostname; tr "\0" " " </proc/1/cmdline; echo; echo "$@"' name --flag -- -x ''
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = nacre ]
    [ "${lines[1]}" = "sleep 1000 " ]
    [ "${lines[2]}" = "--flag -- -x " ]
}

@test "the configuration's process is the default, and options change it" {
    run nacre exec exec sh -c 'echo $FROM_CONFIG $PWD $(id -u):$(id -g); grep -E "CapEff|CapAmb|NoNewPrivs" /proc/self/status'
    [ "${lines[0]}" = "yes / 0:0" ]
    [[ "${lines[1]}" == CapEff:*0000000020000420 ]]
    [[ "$output" == *NoNewPrivs:*1* ]]
    run nacre exec --user 1000:1001 -g 7 --additional-gids=8 --cwd /tmp -e A=1 --env "B=x y" exec \
        sh -c 'echo $FROM_CONFIG $A $B $PWD $(id -u):$(id -G)'
    [ "$output" = "yes 1 x y /tmp 1000:1001 7 8" ]
    run nacre exec --cap CAP_NET_ADMIN exec grep CapEff /proc/self/status
    [[ "$output" == *0000000020001420 ]]
}

@test "--process takes a process.json" {
    jq '.process | .args = ["sh", "-c", "echo $X; exit 9"] | .env = ["X=from file", "PATH=/bin"]' \
        "$BATS_FILE_TMPDIR/bundle/config.json" >"$BATS_TEST_TMPDIR/process.json"
    run nacre exec --process "$BATS_TEST_TMPDIR/process.json" exec
    [ "$status" -eq 9 ]
    [ "$output" = "from file" ]
}

@test "what cannot run fails at once with 255 and runc's words" {
    run nacre exec exec nosuch
    [ "$status" -eq 255 ]
    [[ "$output" == *'exec failed: unable to start container process: exec: \"nosuch\": executable file not found in $PATH'* ]]
    run nacre exec exec /no/such
    [[ "$output" == *'exec: \"/no/such\": stat /no/such: no such file or directory'* ]]
    run nacre exec exec /etc/passwd
    [ "$status" -eq 255 ]
    [[ "$output" == *'permission denied'* ]]
    run nacre exec exec
    [ "$status" -eq 255 ]
    [[ "$output" == *'process args cannot be empty'* ]]
    run nacre exec --cwd /nosuch exec true
    [ "$status" -eq 255 ]
    run nacre exec nosuch true
    [ "$status" -eq 255 ]
    [[ "$output" == *'container does not exist'* ]]
    run nacre exec --user nobody exec true
    [ "$status" -eq 255 ]
    run nacre exec --nosuch exec true
    [ "$status" -eq 1 ]
}

@test "a detached process has a pid on the host: reaped by the caller, signalled, killed" {
    cat >"$BATS_TEST_TMPDIR/reap.py" <<'PY'
import ctypes, os, signal, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
def detached(script):
    read, write = os.pipe()
    subprocess.run(["nacre", "exec", "--detach", "--pid-file", sys.argv[1], "exec", "sh", "-c", script],
                   stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.DEVNULL, check=True)
    os.close(write)
    return int(open(sys.argv[1]).read()), open(read)
def end(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
pid, out = detached("echo hello; exit 7")
print(out.read().strip(), end(pid))
pid, out = detached("trap 'exit 33' TERM; echo ready; while :; do sleep 0.1; done")
out.readline()
os.kill(pid, signal.SIGTERM)
print("trapped", end(pid))
pid, out = detached("echo $$; exec sleep 777")
guest_pid = out.readline().strip()
os.kill(pid, signal.SIGKILL)
print("killed", end(pid), guest_pid)
PY
    run timeout 300 python3 "$BATS_TEST_TMPDIR/reap.py" "$BATS_TEST_TMPDIR/pid"
    [ "${lines[0]}" = "hello 7" ]
    [ "${lines[1]}" = "trapped 33" ]
    [[ "${lines[2]}" == "killed -9 "* ]]
    wait_until 60 nacre exec exec sh -c "! grep -q 777 /proc/${lines[2]##* }/cmdline"
}

# status_of PID: sets $status as run does, for a process in the background.
status_of() {
    status=0
    wait "$1" || status=$?
}

@test "signals of a process in the foreground are passed on" {
    command nacre exec exec sh -c 'trap "exit 44" TERM; echo ready; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/out" 3>&- &
    wait_until 60 grep ready "$BATS_TEST_TMPDIR/out"
    kill -TERM $!
    status_of $!
    [ "$status" -eq 44 ]
}

@test "a process that leaves a child behind does not keep its exec waiting" {
    SECONDS=0
    run nacre exec exec sh -c 'sleep 100 & echo started'
    [ "$status" -eq 0 ]
    [ "$output" = started ]
    [ "$SECONDS" -lt 4 ]
}

@test "--cgroup names a group below the container's" {
    new_bundle grouped sleep 1000
    edit_config '.mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)'
    nacre run --detach --bundle "$bundle" exec-grouped </dev/null >/dev/null 2>&1
    run nacre exec --cgroup nosuch exec-grouped true
    [ "$status" -eq 255 ]
    [[ "$output" == *" adding pid "*" to cgroups"*"/nosuch/cgroup.procs: no such file or directory"* ]]
    run nacre exec --cgroup ../.. exec-grouped true
    [ "$status" -eq 255 ]
    [[ "$output" == *"bad sub cgroup path"* ]]
    nacre exec exec-grouped mkdir /sys/fs/cgroup/inner
    run nacre exec --cgroup /inner exec-grouped cat /proc/self/cgroup
    [ "$output" = 0::/inner ]
    # A container that has divided its cgroup, as systemd does: what is exec'd is where its first process is.
    nacre exec exec-grouped sh -c 'echo 1 >/sys/fs/cgroup/inner/cgroup.procs; echo $$ >/sys/fs/cgroup/inner/cgroup.procs
        echo +pids >/sys/fs/cgroup/cgroup.subtree_control'
    run nacre exec exec-grouped cat /proc/self/cgroup
    [ "$output" = 0::/inner ]
    run nacre exec --cgroup / exec-grouped true
    [ "$status" -eq 255 ]
    [[ "$output" == *" adding pid "*" to cgroups"*"/cgroup.procs: device or resource busy"* ]]
    nacre delete --force exec-grouped
}

@test "many at once" {
    for i in $(seq 20); do
        nacre exec exec sh -c "echo $i; cat; exit $i" </dev/null >"$BATS_TEST_TMPDIR/out$i" &
        pids[i]=$!
    done
    for i in $(seq 20); do
        status_of "${pids[$i]}"
        [ "$status" -eq "$i" ]
        [ "$(cat "$BATS_TEST_TMPDIR/out$i")" = "$i" ]
    done
}

@test "exec'd processes end with their container, which then takes no more" {
    new_bundle short sleep 1000
    nacre run --detach --bundle "$bundle" exec-short </dev/null >/dev/null 2>&1
    nacre exec exec-short sleep 1000 </dev/null 3>&- &
    pid=$!
    sleep 1
    nacre kill exec-short KILL
    status_of "$pid"
    [ "$status" -eq 137 ]
    wait_until 60 has_status exec-short stopped
    run nacre exec exec-short true
    [ "$status" -eq 255 ]
    [[ "$output" == *'cannot exec in a stopped container'* ]]
    nacre delete exec-short
}

@test "--preserve-fds: a file to read, one to append to, a pipe, and a socket with both directions" {
    echo hello >"$BATS_TEST_TMPDIR/in"
    echo before >"$BATS_TEST_TMPDIR/out"
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    cat "$BATS_TEST_TMPDIR/fifo" >"$BATS_TEST_TMPDIR/through" &
    reader=$!
    nacre exec --preserve-fds 3 exec sh -c 'cat <&3; echo after >&4; echo piped >&5; ls /proc/self/fd | grep -c "^[6789]$"' \
        3<"$BATS_TEST_TMPDIR/in" 4>>"$BATS_TEST_TMPDIR/out" 5>"$BATS_TEST_TMPDIR/fifo" >"$BATS_TEST_TMPDIR/said" || true
    wait "$reader"
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = $'before\nafter' ]
    [ "$(cat "$BATS_TEST_TMPDIR/through")" = piped ]
    [ "$(head -n 1 "$BATS_TEST_TMPDIR/said")" = hello ]
    run python3 - <<'PYTHON'
import os, socket, subprocess, threading
ours, theirs = socket.socketpair()
os.dup2(theirs.fileno(), 3)
theirs.close() if theirs.fileno() != 3 else None
process = subprocess.Popen(["nacre", "exec", "--preserve-fds", "1", "exec", "sh", "-c", "cat <&3 >&3"], pass_fds=[3],
                           stdin=subprocess.DEVNULL)
os.close(3)
ours.settimeout(120)
def send():
    ours.sendall(b"x" * 3000000)
    ours.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()  # no buffer need hold all of it
got = 0
while data := ours.recv(65536):
    got += len(data)
print(got, process.wait(60))
PYTHON
    [ "$output" = "3000000 0" ]
}

@test "--preserve-fds: end of file and a reader that has gone pass through; other descriptors of the caller do not" {
    mkfifo "$BATS_TEST_TMPDIR/early"
    timeout 40 cat "$BATS_TEST_TMPDIR/early" >"$BATS_TEST_TMPDIR/read" &
    reader=$!
    nacre exec --detach --preserve-fds 1 exec sh -c 'echo last >&3; exec 3>&-; sleep 1000' 3>"$BATS_TEST_TMPDIR/early" 4</dev/null \
        </dev/null >/dev/null 2>&1
    wait "$reader"
    [ "$(cat "$BATS_TEST_TMPDIR/read")" = last ]
    run bash -c 'nacre exec --preserve-fds 1 exec sh -c "trap \"\" PIPE; while echo more >&3; do :; done; echo broken" \
        3> >(head -n 1 >/dev/null) 2>/dev/null'
    [ "$output" = broken ]
    run bash -c 'nacre exec exec sh -c "ls /proc/self/fd/3" 3</dev/null'
    [[ $output == *"No such file"* || $output == "/proc/self/fd/3" ]]
}

@test "--preserve-fds: what cannot be passed is named" {
    run -255 bash -c 'nacre exec --preserve-fds 2 exec true 3</dev/null 4<&-'
    assert_one_clear_line "$output"
    [[ $output == *"descriptor 4 is not open"* ]]
    run -255 bash -c 'nacre exec --preserve-fds 1 exec true 3</'
    [[ $output == *"descriptor 3 is a directory, which cannot be passed into a VM"* ]]
    run -255 bash -c 'nacre exec --preserve-fds 1 exec true 3<>"$BATS_TEST_TMPDIR/both"'
    [[ $output == *"descriptor 3 is a file open for reading and writing"* ]]
    run bash -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec nacre create --bundle "$BATS_FILE_TMPDIR/bundle" activated'
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ $output == *"LISTEN_FDS=1: a listening socket of the host cannot be passed into a VM"* ]]
}
