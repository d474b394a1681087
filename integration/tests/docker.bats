#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016 # set by run and helpers; shells of containers expand
# docker with nacre as a runtime of dockerd, and Debian's containerd and shim between. No network.
# time-limit: 1500
# memory: 6G
load helpers

image=nacre-busybox:test

setup_file() {
    printf '{"runtimes": {"nacre": {"path": "%s"}}, "default-runtime": "nacre", "bridge": "none", "iptables": false}\n' \
        "$(type -P nacre)" >"$BATS_FILE_TMPDIR/daemon.json"
    dockerd --config-file "$BATS_FILE_TMPDIR/daemon.json" >"$BATS_FILE_TMPDIR/dockerd.log" 2>&1 3>&- &
    echo $! >"$BATS_FILE_TMPDIR/dockerd.pid"
    wait_until 60 docker version
    load_image >&2
    docker run --rm --network none "$image" true  # directories, and the cgroup that is the parent of all
}

# docker 20.10 reads its own archive format, not OCI's; an image of one layer is easily imported.
load_image() {
    local bundle=$BATS_FILE_TMPDIR/image
    "$integration_dir/lib/busybox-bundle" "$bundle" true
    tar -C "$bundle/rootfs" -c . | docker import - "$image"
}

teardown_file() {
    kill "$(cat "$BATS_FILE_TMPDIR/dockerd.pid")"
    wait_until 60 eval '! pgrep -x dockerd'
}

setup() {
    remember_machine
}

teardown() {
    docker rm --force box >/dev/null 2>&1
    docker volume prune --force >/dev/null 2>&1
    assert_nothing_left
}

docker() {
    timeout --kill-after=5 300 docker "$@" 3>&-
}

run_detached() {
    docker run --detach --network none --name box "$@" >/dev/null
}

state_of() {
    docker inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}' "$1"
}

has_state() {
    [ "$(state_of box)" = "$1" ]
}

@test "run: output, errors, input, the exit status, and a kernel of its own" {
    run --separate-stderr docker run --rm -i --network none "$image" sh -c 'uname -r; cat; echo wrong >&2; exit 42' <<<"some input"
    [ "$status" -eq 42 ]
    [[ ${lines[0]} == *nacre* ]]
    [ "${lines[1]}" = "some input" ]
    [ "$stderr" = wrong ]
}

@test "a command that is missing or not executable is told by 127 and 126" {
    run -127 docker run --rm --network none "$image" nosuch
    [[ $output == *'executable file not found in $PATH'* ]]
    run -126 docker run --rm --network none "$image" /etc
}

@test "run --detach, logs, exec, top, stats, pause, cp, stop" {
    run_detached "$image" sh -c 'echo out; trap "exit 3" TERM; while :; do sleep 0.1; done'
    wait_until 60 eval 'docker logs box | grep -q out'
    run docker exec --env A=b --workdir /tmp --user 65534 box sh -c 'echo $A $PWD $(id -u); exit 9'
    [ "$status" -eq 9 ]
    [ "$output" = "b /tmp 65534" ]
    [ "$(echo text | docker exec -i box cat)" = text ]
    docker top box | grep -q "nacre .*create"
    docker stats --no-stream --format '{{.Name}} {{.MemUsage}}' box | grep -qE '^box [1-9][0-9.]*[kM]iB'
    docker pause box
    has_state 'paused 0 false'
    docker unpause box
    echo copied >"$BATS_TEST_TMPDIR/in"
    docker cp "$BATS_TEST_TMPDIR/in" box:/tmp/in
    [ "$(docker exec box cat /tmp/in)" = copied ]
    docker stop box
    has_state 'exited 3 false'
}

@test "a terminal: run -it and exec -it" {
    printf '%s\n' 'expect ready' 'send tty; stty size; exit 5\n' settle >"$BATS_TEST_TMPDIR/script"
    run "$integration_dir/tests/terminal/drive.py" foreground "$BATS_TEST_TMPDIR/script" -- \
        docker run --rm -it --network none "$image" sh -c 'echo ready; exec sh'
    [[ $output == *"/dev/pts/0"* ]]
    [[ $output == *"24 80"* ]]
    [[ $output == *"status 5"* ]]
}

@test "volumes, --read-only, --tmpfs, users, limits; a container out of memory is OOMKilled" {
    mkdir "$BATS_TEST_TMPDIR/shared"
    echo host >"$BATS_TEST_TMPDIR/shared/file"
    run_detached --memory 64m --cpus 0.5 --pids-limit 20 --read-only --tmpfs /scratch --user 1000:1001 --volume data:/data \
        --volume "$BATS_TEST_TMPDIR/shared:/shared:ro" "$image" \
        sh -c 'while [ ! -e /scratch/go ]; do sleep 0.1; done; exec tail /dev/zero'
    run docker exec box sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max; id -u; id -g; cat /shared/file'
    [ "$output" = $'67108864\n50000 100000\n20\n1000\n1001\nhost' ]
    run ! docker exec --user 0 box touch /file
    run ! docker exec --user 0 box touch /shared/file
    docker exec --user 0 box touch /data/file
    docker exec --user 0 box touch /scratch/go
    wait_until 60 has_state 'exited 137 true'
}

@test "restart, kill, and a detached container that ends by itself" {
    run_detached "$image" sh -c 'trap "exit 4" USR1; while :; do sleep 0.1; done'
    docker restart --time 0 box
    has_state 'running 0 false'
    docker kill --signal USR1 box
    [ "$(docker wait box)" -eq 4 ]
}
