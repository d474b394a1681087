#!/usr/bin/env bats
# The lab itself: integration/lab/run as its users see it.
# runs-on: host
# time-limit: 900

bats_require_minimum_version 1.5.0

setup() {
    lab=$BATS_TEST_DIRNAME/../lab/run
    build=${NACRE_BUILD:-$BATS_TEST_DIRNAME/../../build}
}

in_lab() {
    "$lab" --timeout 60 "$@" </dev/null
}

# Nothing of this run is left: its temporary directory is made below a TMPDIR of its own.
assert_nothing_left() {
    [ -z "$(ls "$TMPDIR")" ] && no_process_of_this_run
}

no_process_of_this_run() {
    ! pgrep -f "$TMPDIR/nacre-lab"
}

private_tmpdir() {
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
}

@test "the exit status is the command's, stdout and stderr are separate and byte-exact" {
    private_tmpdir
    run --separate-stderr -7 in_lab -- sh -c 'printf "out\0\n\nx"; printf "err\r\n" >&2; exit 7'
    in_lab -- sh -c 'printf "out\0\n\nx"; printf "err\r\n" >&2' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    cmp "$BATS_TEST_TMPDIR/out" <(printf 'out\0\n\nx')
    cmp "$BATS_TEST_TMPDIR/err" <(printf 'err\r\n')
    assert_nothing_left
}

@test "a command killed by a signal gives 128 and the signal" {
    run -137 in_lab -- sh -c 'kill -9 $$'
}

@test "a command that does not exist gives 127" {
    run -127 in_lab -- /no/such/command
}

@test "arguments, variables and the directory arrive unchanged" {
    cd "$BATS_TEST_DIRNAME"
    NACRE_GREETING="it's \$HOME" run -0 in_lab --env "OTHER=a b" -- \
        sh -c 'printf "%s|" "$@" "$NACRE_GREETING" "$OTHER" "$PWD"' sh "a 'b' \"c\"" '$x' '' '*'
    [ "$output" = "a 'b' \"c\"|\$x||*|it's \$HOME|a b|$BATS_TEST_DIRNAME|" ]
}

@test "standard input arrives, with its end" {
    head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
    run -0 "$lab" --timeout 60 -- sha256sum <"$BATS_TEST_TMPDIR/data"
    [ "$output" = "$(sha256sum <"$BATS_TEST_TMPDIR/data")" ]
}

@test "all output arrives when the reader is slow and the command leaves a process behind" {
    in_lab -- sh -c 'head -c 3000000 /dev/zero; sleep 1000 &' | (sleep 6; wc -c) >"$BATS_TEST_TMPDIR/count"
    [ "$(cat "$BATS_TEST_TMPDIR/count")" -eq 3000000 ]
}

@test "there are KVM, cgroup v2 with its controllers, and the host's files" {
    run -0 in_lab --build "$build" -- sh -c '
        test -c /dev/kvm && test -c /dev/net/tun && grep -qw memory /sys/fs/cgroup/cgroup.subtree_control &&
        test -f "$1" && ip link show lo | grep -q UP && echo "$PATH"' sh "$BATS_TEST_FILENAME"
    [[ $output == "$(realpath -m "$build")/bin:"* ]]
}

@test "memory and CPUs are those asked for" {
    run -0 in_lab --memory 1G --cpus 3 -- sh -c 'nproc; awk "/MemTotal/ { print (\$2 < 1048576) }" /proc/meminfo'
    [ "$output" = $'3\n1' ]
}

@test "writes stay in the lab, except below a shared directory" {
    mkdir "$BATS_TEST_TMPDIR/shared"
    run -0 in_lab --share "$BATS_TEST_TMPDIR/shared" -- sh -c 'echo kept >"$1/result"; touch /etc/nacre-lab-was-here' sh "$BATS_TEST_TMPDIR/shared"
    [ "$(cat "$BATS_TEST_TMPDIR/shared/result")" = kept ]
    [ ! -e /etc/nacre-lab-was-here ]
}

@test "the time limit ends the run with 124" {
    private_tmpdir
    run -124 "$lab" --timeout 6 -- sleep 1000 </dev/null
    [[ $output == *"time limit of 6 s reached"* ]]
    assert_nothing_left
}

@test "nothing is left behind after a signal" {
    private_tmpdir
    for signal in TERM INT; do
        # A shell gives its background jobs SIGINT ignored; env puts the default back.
        env --default-signal=INT "$lab" -- sleep 1000 </dev/null &
        pid=$!
        sleep 3
        kill -"$signal" "$pid"
        wait "$pid" || [ $? -gt 128 ]
        assert_nothing_left
    done
}

@test "QEMU does not outlive a lab/run that is killed" {
    private_tmpdir
    "$lab" -- sleep 1000 </dev/null &
    pid=$!
    sleep 3
    kill -KILL "$pid"
    sleep 1
    no_process_of_this_run
}

@test "a wrong option is refused before anything starts" {
    run -125 "$lab" --memory lots -- true
    [[ $output == *"--memory lots"* ]]
    run -125 "$lab" --no-such-option x -- true
    [[ $output == *"--no-such-option"* ]]
    run -125 "$lab"
    run -125 "$lab" --share /no/such/directory -- true
}

@test "--exact counts instructions: the same work takes the same time" {
    measure='now() { awk "{ print int(\$1 * 100) }" /proc/uptime; }
        a=$(now); i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done; b=$(now); echo $((b - a))'
    run -0 in_lab --exact -- sh -c "$measure"
    first=$output
    run -0 in_lab --exact -- sh -c "$measure"
    [ "$first" -gt 0 ]
    difference=$((first - output))
    [ "${difference#-}" -le $((first / 20 + 1)) ]
}

@test "--exact holds the files asked for, with their libraries, and nothing else" {
    mkdir -p "$BATS_TEST_TMPDIR/tree/sub"
    echo content >"$BATS_TEST_TMPDIR/tree/sub/file"
    run -0 in_lab --exact --with /usr/bin/jq --tree "$BATS_TEST_TMPDIR/tree:/data" -- \
        sh -c 'echo "{}" | /usr/bin/jq -c . && cat /data/sub/file && test ! -e /usr/bin/perl && test -c /dev/kvm'
    [ "$output" = $'{}\ncontent' ]
}
