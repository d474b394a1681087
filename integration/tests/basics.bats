#!/usr/bin/env bats
# nacre run, one container in the foreground: what everything else stands on.
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

@test "a container prints to standard output and standard error, each on its own" {
    set_command sh -c 'echo out; echo err >&2'
    nacre run --bundle "$bundle" "$id" >"$bundle/out" 2>"$bundle/err"
    [ "$(cat "$bundle/out")" = out ]
    [ "$(cat "$bundle/err")" = err ]
}

@test "it runs on a kernel of its own" {
    set_command uname -r
    run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 0 ]
    [ "$output" != "$(uname -r)" ]
}

@test "the exit status is the program's, and 128 + n for signal n" {
    for code in 0 1 42 255; do
        set_command sh -c "exit $code"
        run nacre run --bundle "$bundle" "$id"
        [ "$status" -eq "$code" ]
    done
    set_command sh -c 'kill -9 $$; sleep 5'
    edit_config '.linux.namespaces |= map(select(.type != "pid"))'
    run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 137 ]
}

@test "arguments, environment, working directory, user and hostname are as configured" {
    edit_config '.process.env += ["HOME=", "GREETING=no", "GREETING=hello world"] | .process.cwd = "/tmp" | .hostname = "little"
        | .process.user = {"uid": 1000, "gid": 1001, "additionalGids": [7]}'
    set_command sh -c 'echo "$GREETING|$HOME|$PWD|$(hostname)|$(id -u)|$(id -g)|$(id -G)|$1|$2"' name 'a b' ''
    run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 0 ]
    [ "$output" = "hello world|/|/tmp|little|1000|1001|1001 7|a b|" ]
}

@test "a bind mount is writable, a read-only one is not, and a single file can be one" {
    mkdir "$BATS_TEST_TMPDIR/shared"
    echo host >"$BATS_TEST_TMPDIR/shared/file"
    edit_config '.mounts += [
        {"destination": "/rw", "type": "bind", "source": $dir, "options": ["rbind", "rw"]},
        {"destination": "/ro", "type": "bind", "source": $dir, "options": ["rbind", "ro"]},
        {"destination": "/etc/name", "type": "bind", "source": ($dir + "/file"), "options": ["bind", "ro"]}]' \
        --arg dir "$BATS_TEST_TMPDIR/shared"
    set_command sh -c 'cat /etc/name; echo new >/rw/new; cat /ro/new; echo x >/ro/x || echo refused'
    run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 0 ]
    [[ "$output" == host*new*refused* ]]
    [ "$(cat "$BATS_TEST_TMPDIR/shared/new")" = new ]
    [ ! -e "$BATS_TEST_TMPDIR/shared/x" ]
}

@test "a read-only root file system takes no write" {
    edit_config '.root.readonly = true'
    set_command sh -c 'echo x >/file || echo refused'
    run nacre run --bundle "$bundle" "$id"
    [[ "$output" == *refused* ]]
    [ ! -e "$bundle/rootfs/file" ]
}
