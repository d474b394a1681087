#!/usr/bin/env bats
# The size of a VM while it runs: memory that goes back to the host.
# time-limit: 1500
load helpers

setup() {
    remember_machine
}

teardown() {
    nacre delete --force sized || true
    assert_nothing_left
}

# start_container: a container that idles, with /tmp a tmpfs.
start_container() {
    new_bundle bundle sleep 100000
    edit_config '.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["size=100%"]}]'
    edit_config "$1"
    nacre run --detach --bundle "$bundle" sized </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
}

# Memory of the host that the VMM alone has, in MiB.
vmm_memory() {
    awk '/^Private_(Clean|Dirty):/ { sum += $2 } END { print int(sum / 1024) }' "/proc/$(vmm_pids)/smaps_rollup"
}

vmm_memory_is_below() {
    [ "$(vmm_memory)" -lt "$1" ]
}

@test "memory that the container frees goes back to the host" {
    start_container '.linux.resources.memory.limit = 400 * 1048576'
    before=$(vmm_memory)
    nacre exec sized dd if=/dev/zero of=/tmp/file bs=1M count=256 2>/dev/null
    full=$(vmm_memory)
    nacre exec sized rm /tmp/file
    wait_until 120 vmm_memory_is_below $((before + 48)) || true
    after=$(vmm_memory)
    echo "MiB of the VMM: $before at first, $full with the file, $after when it is gone"
    [ "$full" -ge $((before + 240)) ]
    [ "$after" -lt $((before + 48)) ]
}

@test "a small VM gives memory back, too" {
    start_container '.linux.resources.memory.limit = 48 * 1048576'
    before=$(vmm_memory)
    nacre exec sized dd if=/dev/zero of=/tmp/file bs=1M count=32 2>/dev/null
    full=$(vmm_memory)
    nacre exec sized rm /tmp/file
    wait_until 120 vmm_memory_is_below $((before + 12)) || true
    after=$(vmm_memory)
    echo "MiB of the VMM: $before at first, $full with the file, $after when it is gone"
    [ "$full" -ge $((before + 28)) ]
    [ "$after" -lt $((before + 12)) ]
}
