#!/usr/bin/env bats
# nacre run: one container in the foreground, from the user's side.
# time-limit: 900
load helpers

setup() {
    id=run-$BATS_TEST_NUMBER
    new_bundle bundle true
    remember_machine
}

teardown() {
    nacre delete --force "$id"
    assert_nothing_left
}

@test "standard input reaches the container and ends" {
    set_command wc -c
    run nacre run --bundle "$bundle" "$id" < <(head -c 3000000 /dev/zero)
    [ "$status" -eq 0 ]
    [ "$output" -eq 3000000 ]
}

@test "20 MB pass through without loss" {
    set_command cat
    head -c 20000000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
    sum=$(nacre run --bundle "$bundle" "$id" <"$BATS_TEST_TMPDIR/data" | sha256sum)
    [ "$sum" = "$(sha256sum <"$BATS_TEST_TMPDIR/data")" ]
}

@test "a reader that goes away breaks the container's pipe" {
    set_command yes
    run bash -c "timeout 300 nacre run --bundle '$bundle' '$id' 2>/dev/null | head -n 1"
    [ "$output" = y ]
}

@test "files written in the container are on the host, with their owner and mode" {
    set_command sh -c 'echo content >/tmp/file; chmod 640 /tmp/file; ln -s file /tmp/link'
    run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 0 ]
    [ "$(stat -c '%u:%g %a' "$bundle/rootfs/tmp/file")" = "0:0 640" ]
    [ "$(cat "$bundle/rootfs/tmp/link")" = content ]
}

@test "a missing program is told at once, in runc's words" {
    set_command /no/such/program
    run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *'stat /no/such/program: no such file or directory'* ]]
    set_command nosuchprogram
    run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *'executable file not found in $PATH'* ]]
}

@test "capabilities, no_new_privs and resource limits are in force inside" {
    edit_config '.process.noNewPrivileges = true
        | .process.capabilities |= map_values(["CAP_KILL"])
        | .process.rlimits = [{"type": "RLIMIT_NOFILE", "hard": 77, "soft": 66}]'
    set_command sh -c 'grep -E "CapBnd|CapEff|NoNewPrivs" /proc/self/status; ulimit -n; ulimit -Hn'
    run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = $'CapEff:\t0000000000000020' ]
    [ "${lines[1]}" = $'CapBnd:\t0000000000000020' ]
    [ "${lines[2]}" = $'NoNewPrivs:\t1' ]
    [ "${lines[3]}" = 66 ]
    [ "${lines[4]}" = 77 ]
}

@test "--preserve-fds: the first process has the caller's pipe and file" {
    echo hello >"$BATS_TEST_TMPDIR/in"
    set_command sh -c 'cat <&3; echo out >&4'
    run bash -c "nacre run --preserve-fds 2 --bundle '$bundle' '$id' 3<'$BATS_TEST_TMPDIR/in' 4> >(cat)"
    [ "$status" -eq 0 ]
    [ "$output" = $'hello\nout' ]
}
