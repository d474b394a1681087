#!/usr/bin/env bats
# containerd with nacre in the place of runc: ctr, the runc v2 shim, images built from Debian packages.
# time-limit: 1500
# memory: 6G
load helpers

busybox=docker.io/library/nacre-busybox:test
debian=docker.io/library/nacre-debian:test

setup_file() {
    cat >"$BATS_FILE_TMPDIR/config.toml" <<'TOML'
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]
TOML
    containerd --config "$BATS_FILE_TMPDIR/config.toml" >"$BATS_FILE_TMPDIR/containerd.log" 2>&1 3>&- &
    echo $! >"$BATS_FILE_TMPDIR/containerd.pid"
    wait_until 60 ctr version
    ctr images import "$(image_dir)/busybox.oci.tar" >&2
    ctr images import "$(image_dir)/debian.oci.tar" >&2
    # containerd makes its directories, and the cgroup that is the parent of all, with the first container.
    ctr_run --rm "$busybox" first true </dev/null
}

teardown_file() {
    kill "$(cat "$BATS_FILE_TMPDIR/containerd.pid")"
}

setup() {
    id=ctr-$BATS_TEST_NUMBER
    remember_machine
}

teardown() {
    ctr task delete --force "$id" >/dev/null 2>&1 || true
    ctr container rm "$id" >/dev/null 2>&1 || true
    assert_nothing_left
}

# ctr_run OPTION… IMAGE ID CMD…
ctr_run() {
    timeout --kill-after=5 300 ctr run --runtime io.containerd.runc.v2 --runc-binary "$(type -P nacre)" "$@" 3>&-
}

task_status() {
    ctr task ls | awk -v id="$1" '$1 == id { print $3 }'
}

task_has_status() {
    [ "$(task_status "$1")" = "$2" ]
}

@test "an attached container: output, and a kernel of its own" {
    run ctr_run --rm "$busybox" "$id" uname -r </dev/null
    [ "$status" -eq 0 ]
    [[ $output == *nacre* ]]
}

@test "the exit status" {
    run ctr_run --rm "$busybox" "$id" sh -c 'exit 42' </dev/null
    [ "$status" -eq 42 ]
}

@test "standard input and its end" {
    # ctr forgets an end of file that it reads before the task is made, whatever the runtime.
    run ctr_run --rm "$busybox" "$id" cat < <(
        echo through
        wait_until 60 task_has_status "$id" RUNNING
        sleep 1
    )
    [ "$status" -eq 0 ]
    [ "$output" = through ]
}

@test "the Debian image" {
    run ctr_run --rm "$debian" "$id" /bin/bash -c '. /etc/os-release; echo "$ID $VERSION_ID"; dpkg --verify | grep -v " /usr/share/"; echo verified' </dev/null
    [ "$status" -eq 0 ]
    [ "$output" = $'debian 12\nverified' ]
}

@test "environment and bind mounts" {
    mkdir "$BATS_TEST_TMPDIR/shared"
    echo from-host >"$BATS_TEST_TMPDIR/shared/in"
    run ctr_run --rm --env GREETING='hello world' --mount "type=bind,src=$BATS_TEST_TMPDIR/shared,dst=/shared,options=rbind:rw" \
        "$busybox" "$id" sh -c 'echo "$GREETING"; cat /shared/in; echo from-container >/shared/out' </dev/null
    [ "$status" -eq 0 ]
    [ "$output" = $'hello world\nfrom-host' ]
    [ "$(cat "$BATS_TEST_TMPDIR/shared/out")" = from-container ]
}

@test "a detached container: ls, kill, wait, delete, rm" {
    ctr_run --detach "$busybox" "$id" sleep 1000 </dev/null
    [ "$(task_status "$id")" = RUNNING ]
    ctr task wait "$id" >"$BATS_TEST_TMPDIR/waited" 3>&- &
    waiter=$!
    sleep 1
    ctr task kill --signal KILL "$id"
    timeout 300 tail --pid="$waiter" -f /dev/null
    wait_until 60 task_has_status "$id" STOPPED
    run ctr task delete "$id"
    [[ $output == *137* ]]
    ctr container rm "$id"
    [ -z "$(ctr container ls -q)" ]
}

@test "exec: output, status, a program that does not exist" {
    ctr_run --detach "$busybox" "$id" sleep 1000 </dev/null
    run timeout 300 ctr task exec --exec-id one "$id" sh -c 'echo out; exit 5' </dev/null 3>&-
    [ "$status" -eq 5 ]
    [ "$output" = out ]
    run timeout 300 ctr task exec --exec-id two "$id" nosuch </dev/null 3>&-
    [ "$status" -ne 0 ]
    [[ $output == *'executable file not found in $PATH'* ]]
    ctr task delete --force "$id"
}

@test "terminals: run --tty, and exec --tty in it, with the caller's window size" {
    cat >"$BATS_TEST_TMPDIR/script" <<'SCRIPT'
expect 24 80
resize 30 100
send stty size\r
expect 30 100
send exit 6\r
settle
SCRIPT
    run timeout 300 python3 "$integration_dir/tests/terminal/drive.py" foreground "$BATS_TEST_TMPDIR/script" -- \
        ctr run --tty --rm --runtime io.containerd.runc.v2 --runc-binary "$(type -P nacre)" "$busybox" "$id" \
        sh -c 'sleep 1; stty size; exec sh' 3>&-
    [[ "$output" == *"mode kept"*"status 6" ]]
    ctr_run --detach "$busybox" "$id" sleep 1000 </dev/null
    run timeout 300 python3 "$integration_dir/tests/terminal/drive.py" foreground "$BATS_TEST_TMPDIR/script" -- \
        ctr task exec --tty --exec-id three "$id" sh -c 'sleep 1; stty size; exec sh' 3>&-
    [[ "$output" == *"mode kept"*"status 6" ]]
    ctr task delete --force "$id"
}

@test "a program that does not exist is told, and leaves nothing" {
    run ctr_run --rm "$busybox" "$id" /no/such/program </dev/null
    [ "$status" -ne 0 ]
    [[ $output == *"no such file or directory"* ]]
}

@test "a VMM that is killed is a failed task, never a success" {
    ctr_run --detach "$busybox" "$id" sleep 1000 </dev/null
    pkill -9 -x nacre-vmm
    wait_until 60 task_has_status "$id" STOPPED
    run ctr task delete "$id"
    [[ $output == *137* ]]
}

@test "twenty containers one after another" {
    for number in $(seq 20); do
        run ctr_run --rm "$busybox" "$id-$number" echo "$number" </dev/null
        [ "$status" -eq 0 ]
        [ "$output" = "$number" ]
    done
}
