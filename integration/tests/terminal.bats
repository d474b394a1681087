#!/usr/bin/env bats
# Terminals: the caller's own in the foreground, or a new one for the holder of a console socket. The guest's terminal does
# the work (echo, line editing, signals); the host's carries bytes and window sizes.
# time-limit: 900
load helpers

setup_file() {
    export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    remember_machine
    new_bundle bundle sleep 1000
    nacre run --detach --bundle "$bundle" terminal </dev/null >/dev/null 2>&1
}

teardown_file() {
    BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    nacre delete --force terminal
    assert_nothing_left
}

setup() {
    bundle=$BATS_FILE_TMPDIR/bundle
}

# on_terminal CMD…: runs CMD on a terminal; standard input is the script of terminal/drive.py.
on_terminal() {
    cat >"$BATS_TEST_TMPDIR/script"
    run timeout 300 python3 "$integration_dir/tests/terminal/drive.py" foreground "$BATS_TEST_TMPDIR/script" -- "$@"
    echo "$output"
}

# on_console CMD…: the same with the terminal that CMD sends to $BATS_TEST_TMPDIR/console.
on_console() {
    cat >"$BATS_TEST_TMPDIR/script"
    rm -f "$BATS_TEST_TMPDIR/console"
    run timeout 300 python3 "$integration_dir/tests/terminal/drive.py" console "$BATS_TEST_TMPDIR/console" \
        "$BATS_TEST_TMPDIR/script" -- "$@"
    echo "$output"
}

# terminal_bundle NAME CMD…: a bundle whose process has a terminal.
terminal_bundle() {
    new_bundle "$@"
    edit_config '.process.terminal = true'
}

@test "exec --tty is a terminal, with the caller's size, and leaves the caller's as it was" {
    on_terminal nacre exec --tty terminal sh -c 'tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all; exit 7' <<<settle
    [[ "$output" == */dev/pts/* ]]
    [[ "$output" == *"24 80"* ]]
    [[ "$output" == *all* ]]
    [[ "$output" == *"mode kept"*"status 7" ]]
}

@test "output that the caller redirects has the line ends that the program gave it" {
    terminal_bundle ends printf 'one\ntwo\n'
    local command
    for command in "run --bundle $bundle ends" "exec --tty terminal printf one\\\\ntwo\\\\n"; do
        on_terminal sh -c "nacre $command >$BATS_TEST_TMPDIR/output" <<<settle
        [[ "$output" == *"status 0" ]]
        cmp "$BATS_TEST_TMPDIR/output" <(printf 'one\ntwo\n')
    done
}

@test "a shell on it: echo, Ctrl-C, Ctrl-D, window size, background jobs" {
    on_terminal nacre exec -t -e PS1='ready> ' terminal sh <<'SCRIPT'
expect ready> 
send echo $((40+2))\r
expect echo $((40+2))
expect 42
send sh -c 'echo begun$((1+1)); exec sleep 1000'\r
expect begun2
send \x03
expect ready> 
send echo after $?\r
expect after 130
resize 40 120
send sleep 1; stty size\r
expect 40 120
send sh -c 'echo begun$((1+2)); exec sleep 1000'\r
expect begun3
send \x1a
expect Stopped
send kill %1; fg; exit 5\r
settle
SCRIPT
    [[ "$output" == *"mode kept"*"status 5" ]]
    on_terminal nacre exec -t terminal cat <<'SCRIPT'
send one\r
expect one
expect one
send \x04
settle
SCRIPT
    [[ "$output" == *"mode kept"*"status 0" ]]
}

@test "the terminal is as it was also when the process is killed or cannot run" {
    on_terminal nacre exec -t terminal /nosuch <<<settle
    [[ "$output" == *"no such file or directory"*"mode kept"*"status 255" ]]
    on_terminal nacre exec -t terminal sh -c 'echo ready; kill -9 $$' <<<settle
    [[ "$output" == *"mode kept"*"status 137" ]]
    on_terminal nacre exec -t terminal sh -c 'echo ready; exec sleep 1000' <<'SCRIPT'
expect ready
signal SIGTERM
settle
SCRIPT
    [[ "$output" == *"mode kept"*"status 143" ]]
}

@test "a terminal that is gone is hung up in the guest" {
    on_terminal nacre exec -t terminal sh -c 'trap "echo yes >/tmp/hung-up; exit" HUP; echo ready; while :; do sleep 0.1; done' <<'SCRIPT'
expect ready
close
settle
SCRIPT
    wait_until 60 nacre exec terminal test -e /tmp/hung-up
}

@test "run with process.terminal: the caller's terminal is the container's" {
    terminal_bundle shell sh -c 'tty; stty size; read line; echo "got $line"; sleep 1; stty size; exit 3'
    on_terminal nacre run --bundle "$bundle" terminal-run <<'SCRIPT'
expect 24 80
resize 30 100
send hello\r
settle
SCRIPT
    [[ "$output" == *"got hello"*"30 100"*"mode kept"*"status 3" ]]
}

@test "exec --console-socket: its holder has the terminal, and sets its size" {
    on_console nacre exec --detach --tty --pid-file "$BATS_TEST_TMPDIR/pid" --console-socket "$BATS_TEST_TMPDIR/console" terminal \
        sh -c 'tty; trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.1; done' <<'SCRIPT'
expect ready
resize 33 99
expect 33 99
SCRIPT
    [[ "$output" == */dev/pts/*"33 99"*"status 0" ]]
    wait_until 60 test ! -e "/proc/$(cat "$BATS_TEST_TMPDIR/pid")"
}

@test "create --console-socket: the terminal comes before create returns" {
    terminal_bundle created sh -c 'stty size; read line; echo "got $line"; sleep 1'
    edit_config '.process.consoleSize = {"height": 21, "width": 77}'
    cat >"$BATS_TEST_TMPDIR/create-and-start" <<'SH'
nacre create --bundle "$1" --console-socket "$2" terminal-create && nacre start terminal-create
SH
    on_console sh "$BATS_TEST_TMPDIR/create-and-start" "$bundle" "$BATS_TEST_TMPDIR/console" <<'SCRIPT'
expect 21 77
send hello\r
expect got hello
SCRIPT
    [[ "$output" == *"status 0" ]]
    wait_until 60 has_status terminal-create stopped
    nacre delete terminal-create
}

@test "what makes no sense is refused in runc's words" {
    terminal_bundle refused true
    run nacre create --bundle "$bundle" terminal-refused
    [ "$status" -eq 1 ]
    [[ "$output" == *"cannot allocate tty if runc will detach without setting console socket"* ]]
    run nacre run --console-socket "$BATS_TEST_TMPDIR/none" --bundle "$bundle" terminal-refused
    [[ "$output" == *"cannot use console socket if runc will not detach or allocate tty"* ]]
    run nacre create --console-socket "$BATS_TEST_TMPDIR/none" --bundle "$bundle" terminal-refused
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    run nacre exec --detach --tty terminal true
    [ "$status" -eq 255 ]
    [[ "$output" == *"cannot allocate tty if runc will detach without setting console socket"* ]]
    run nacre exec --console-socket "$BATS_TEST_TMPDIR/none" terminal true
    [ "$status" -eq 255 ]
    [[ "$output" == *"cannot use console socket if runc will not detach or allocate tty"* ]]
    run nacre exec --detach --console-socket "$BATS_TEST_TMPDIR/none" terminal true
    [ "$status" -eq 255 ]
    # No terminal anywhere: neither on the descriptors nor of the session.
    run setsid --wait timeout 300 nacre exec --tty terminal true </dev/null
    [ "$status" -eq 255 ]
    assert_one_clear_line "$output"
    run nacre state terminal-refused
    [ "$status" -eq 1 ]
}
