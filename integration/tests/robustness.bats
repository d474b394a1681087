#!/usr/bin/env bats
# Many containers, many processes, and processes of nacre killed at any moment: nothing is lost, left behind, or hangs.
# NACRE_TEST_EFFORT multiplies the amount of work (1: about a minute; 20: 200 cycles, 20 containers at once, minutes of kills).
# time-limit: 3000
# memory: 12G
# shellcheck disable=SC2154 # set by helpers
load helpers

effort=${NACRE_TEST_EFFORT:-1}

setup() {
    remember_machine
    new_bundle box sh -c 'while :; do sleep 1; done'
}

teardown() {
    nacre list -q | while read -r id; do nacre delete --force "$id"; done
    assert_nothing_left
}

# all_of PID…: every one of these jobs ended with status 0.
all_of() {
    local pid
    for pid in "$@"; do wait "$pid" || return 1; done
}

# answers NUMBER CMD…: nacre CMD prints "answer NUMBER" and ends with status NUMBER.
answers() {
    local number=$1 output ended=0
    shift
    output=$(NACRE_TEST_LIMIT=300 nacre "$@" </dev/null 2>&1 3>&-) || ended=$?
    [ "$output $ended" = "answer $number $number" ]
}

@test "create, start, delete, again and again" {
    set_command true
    for ((i = 0; i < 10 * effort; ++i)); do
        nacre create --bundle "$bundle" box </dev/null >/dev/null 2>&1
        nacre start box
        wait_until 60 has_status box stopped
        [ "$(nacre state box | jq .exitStatus)" -eq 0 ]
        nacre delete box
    done
}

@test "containers in parallel: each gives its own answer" {
    local pids=() count=$((effort < 4 ? 5 : 20))
    for ((i = 0; i < count; ++i)); do
        new_bundle "box$i" sh -c "echo answer $i; exit $i"
        answers "$i" run --bundle "$bundle" "box$i" &
        pids+=($!)
    done
    all_of "${pids[@]}"
}

@test "50 execs in parallel: each gives its own answer" {
    local pids=()
    nacre run --detach --bundle "$bundle" box </dev/null >/dev/null 2>&1
    for ((i = 0; i < 50; ++i)); do
        answers "$i" exec box sh -c "echo answer $i; exit $i" &
        pids+=($!)
    done
    all_of "${pids[@]}"
    [ "$(nacre ps box | grep -c answer)" -eq 0 ]
}

# held_by PID: descriptors, threads and mounts of a process that lives on.
held_by() {
    echo "$(ls "/proc/$1/fd" | wc -l) $(ls "/proc/$1/task" | wc -l) $(wc -l <"/proc/$1/mountinfo")"
}

@test "what lives on holds no more after many processes, attachments and questions" {
    nacre run --detach --bundle "$bundle" box </dev/null >/dev/null 2>&1
    relay=$(nacre state box | jq .pid)
    vmm=$(vmm_pids)
    ask() {
        nacre exec box true 3</dev/null
        nacre exec --preserve-fds 1 box sh -c 'cat <&3' 3</dev/null
        nacre ps box >/dev/null
        nacre events --stats box >/dev/null
        nsenter --mount --target "$relay" ls /proc | grep -qx 1
        nacre pause box && nacre resume box
    }
    ask
    sleep 12  # the view's /proc is let go
    before="$(held_by "$relay"), $(held_by "$vmm")"
    for ((i = 0; i < 5 * effort; ++i)); do ask; done
    wait_until 60 eval '[ "$(held_by "$relay"), $(held_by "$vmm")" = "$before" ]'
}

# What a caller does with a container, whatever becomes of it.
live() {
    nacre create --bundle "$bundle" "$1"
    nacre start "$1"
    nacre exec "$1" true
    nacre kill "$1" KILL
    nacre delete "$1"
}

@test "processes of nacre killed at any moment leave nothing that delete --force does not remove" {
    local end=$((SECONDS + 20 * effort)) victims life round=0
    while [ "$SECONDS" -lt "$end" ]; do
        round=$((round + 1))
        live "box$round" </dev/null >/dev/null 2>&1 3>&- &
        life=$!
        while kill -0 "$life" 2>/dev/null; do
            sleep "0.$((RANDOM % 10))"
            mapfile -t victims < <(pgrep -x 'nacre|nacre-vmm')
            [ ${#victims[@]} -eq 0 ] || [ $((RANDOM % 2)) -eq 0 ] || kill -KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null || true
        done
        wait "$life" || true
        nacre delete --force "box$round"
    done
    echo "# $round containers" >&3
}
