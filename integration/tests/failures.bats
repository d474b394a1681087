#!/usr/bin/env bats
# The truth about failures: never exit status 0, never a hang, nothing left that `delete --force` does not remove.
# time-limit: 900
load helpers

setup() {
    id=fail-$BATS_TEST_NUMBER
    new_bundle bundle sleep 1000
    remember_machine
}

teardown() {
    nacre delete --force "$id"
    assert_nothing_left
}

# run_in_background: `nacre run` of the bundle, its output in $BATS_TEST_TMPDIR/output; returns when it runs.
run_in_background() {
    nacre run --bundle "$bundle" "$id" </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- &
    runner=$!
    wait_until 60 has_status "$id" running
}

# ends_with STATUS WORDS: the background run ends in time with that status and says why.
ends_with() {
    local code=0
    timeout 300 tail --pid="$runner" -f /dev/null
    wait "$runner" || code=$?
    [ "$code" -eq "$1" ]
    grep -q "$2" "$BATS_TEST_TMPDIR/output"
}

@test "the VMM is killed" {
    run_in_background
    pkill -9 -x nacre-vmm
    ends_with 137 "the VMM was killed by signal 9"
}

@test "the relay is killed" {
    run_in_background
    kill -9 "$(nacre state "$id" | jq .pid)"
    code=0
    wait "$runner" || code=$?
    [ "$code" -eq 137 ]
    run pgrep -x nacre-vmm
    [ "$status" -ne 0 ]
}

# As root of the guest: no masked paths, every capability, the agent's own pid namespace.
privileged() {
    edit_config '.linux.maskedPaths = [] | .linux.readonlyPaths = []
        | .process.capabilities |= map_values(["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"])
        | .linux.namespaces |= map(select(.type != "pid"))'
}

@test "the guest kernel panics" {
    privileged
    edit_config '.linux.resources.memory = {"limit": 33554432}'
    set_command sh -c 'echo 2 >/proc/sys/vm/panic_on_oom; tail /dev/zero'
    run nacre run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 137 ]
    [[ "$output" == *"the guest kernel panicked: Kernel panic"*"compulsory panic_on_oom"* ]]
}

@test "the agent dies" {
    privileged
    set_command sh -c 'IFS=" -" read start end _ <<EOF
$(grep "r-xp.*/init" /proc/1/maps)
EOF
        dd if=/dev/zero of=/proc/1/mem bs=4096 seek=$((0x$start / 4096)) count=$(((0x$end - 0x$start) / 4096)) conv=notrunc
        sleep 1000'
    run nacre run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 137 ]
    [[ "$output" == *"the guest kernel panicked: Kernel panic"*"Attempted to kill init"* ]]
}

@test "create is killed in the middle" {
    for delay in 0.05 0.2 0.5 1; do
        nacre create --bundle "$bundle" "$id" </dev/null >/dev/null 2>&1 3>&- &
        creator=$!
        sleep "$delay"
        kill -9 "$creator" || true
        wait "$creator" || true
        nacre delete --force "$id"
        assert_nothing_left
    done
}

@test "the container is killed for want of memory" {
    edit_config '.linux.resources.memory = {"limit": 33554432}'
    set_command sh -c 'tail /dev/zero'
    run timeout 300 nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 137 ]
    [[ "$output" == *"out of memory"* ]]
}

@test "a missing guest kernel is named" {
    NACRE_KERNEL=/no/kernel run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"guest kernel /no/kernel"*"o such file or directory"* ]]
}

@test "a missing root file system is named" {
    rm -r "$bundle/rootfs"
    run nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"$bundle/rootfs"*"does not exist"* ]]
}

@test "an unwritable root is told" {
    run nacre --root /proc/nacre run --bundle "$bundle" "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"/proc/nacre"* ]]
}

@test "a damaged state is told, and delete --force removes all of it" {
    nacre create --bundle "$bundle" "$id" </dev/null >/dev/null 2>&1
    echo '{"id":' >"/run/nacre/$id/state.json"
    run nacre state "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"state.json"* ]]
    nacre delete --force "$id"
    [ ! -e "/run/nacre/$id" ]
}

@test "an invalid configuration is one line, in the log too, and leaves nothing" {
    edit_config '.process.cwd = "relative"'
    run nacre --log "$BATS_TEST_TMPDIR/log" --log-format json run --bundle "$bundle" "$id"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == *"/process/cwd"* ]]
    [ "$(jq -r .level "$BATS_TEST_TMPDIR/log")" = error ]
    [ ! -e "/run/nacre/$id" ]
}
