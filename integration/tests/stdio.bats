#!/usr/bin/env bats
# Standard streams: the container's are the caller's own, with back-pressure and end of file in both directions.
# time-limit: 900
load helpers

setup() {
    id=stdio-$BATS_TEST_NUMBER
    new_bundle bundle true
    remember_machine
}

teardown() {
    nacre delete --force "$id"
    assert_nothing_left
}

@test "a closed standard input is an end of file, not an error" {
    set_command sh -c 'cat; echo end'
    run bash -c "timeout 300 nacre run --bundle '$bundle' '$id' <&-"
    [ "$status" -eq 0 ]
    [ "$output" = end ]
}

@test "a container that stops reading does not keep its run alive" {
    set_command sh -c 'head -c 1 >/dev/null; echo done'
    run bash -c "yes | timeout 300 nacre run --bundle '$bundle' '$id'"
    [ "$status" -eq 0 ]
    [ "$output" = done ]
}

@test "end of file on standard output comes when the container closes it, not when it ends" {
    set_command sh -c 'echo last; exec >&-; sleep 1000'
    mkfifo "$BATS_TEST_TMPDIR/out"
    timeout 300 cat "$BATS_TEST_TMPDIR/out" >"$BATS_TEST_TMPDIR/read" 3>&- &
    reader=$!
    nacre create --bundle "$bundle" "$id" </dev/null >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&-
    nacre start "$id"
    wait "$reader"
    [ "$(cat "$BATS_TEST_TMPDIR/read")" = last ]
    has_status "$id" running
}

@test "output goes to a file at its own offset" {
    echo before >"$BATS_TEST_TMPDIR/file"
    set_command echo after
    nacre run --bundle "$bundle" "$id" </dev/null >>"$BATS_TEST_TMPDIR/file"
    [ "$(cat "$BATS_TEST_TMPDIR/file")" = $'before\nafter' ]
}

# The lab passes about ten megabytes a second: NACRE_TEST_BYTES=1000000000 makes this the whole gigabyte.
@test "a stream of any length comes out without loss" {
    bytes=${NACRE_TEST_BYTES:-200000000}
    set_command head -c "$bytes" /dev/zero
    count=$(NACRE_TEST_LIMIT=600 nacre run --bundle "$bundle" "$id" </dev/null | wc -c)
    [ "$count" -eq "$bytes" ]
}

# bytes_read PID: what a process has read so far, of all its files.
bytes_read() {
    sed -n 's/^rchar: //p' "/proc/$1/io"
}

# resident KIB of all nacre processes, without the guest's memory (shared or not, the VMM's file is memory of the guest).
resident() {
    ps -C nacre,nacre-vmm -o rss= | awk '{ sum += $1 } END { print sum }'
}

@test "a reader that stops reading stops the container, and nothing grows meanwhile" {
    set_command cat /dev/zero
    mkfifo "$BATS_TEST_TMPDIR/out"
    nacre run --bundle "$bundle" "$id" </dev/null >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
    exec 7<"$BATS_TEST_TMPDIR/out"
    head -c 1000000 <&7 | wc -c
    sleep 3
    before=$(resident)
    sleep 5
    after=$(resident)
    [ $((after - before)) -lt 1024 ]
    exec 7<&-
}
