#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016 # set by helpers; shells of containers and awk expand
# The size of a VM while it runs: memory that goes back to the host, memory and CPUs that `update` gives and takes.
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
    edit_config '.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["size=1g"]}]'
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

# What the guest's kernel has, in MiB.
guest_memory() {
    nacre exec sized awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo
}

guest_limit() {
    nacre exec sized cat "/sys/fs/cgroup/$1"
}

host_memory_limit() {
    cat /sys/fs/cgroup/sized/memory.max
}

@test "update makes the VM grow, and shrink again" {
    start_container '.linux.resources.memory.limit = 100 * 1048576'
    small=$(guest_memory)
    small_limit=$(host_memory_limit)
    nacre update --memory 400M sized
    large=$(guest_memory)
    echo "MiB of the guest: $small, then $large"
    [ "$large" -ge $((small + 280)) ]
    [ "$(guest_limit memory.max)" -eq $((400 << 20)) ]
    [ "$(host_memory_limit)" -ge $((448 << 20)) ]
    # It can be used, by devices too: what comes from a file of the host, once memory of the start is full, goes there.
    nacre exec sized dd if=/dev/zero of=/tmp/file bs=1M count=310 2>/dev/null
    full=$(vmm_memory)
    [ "$full" -ge 310 ]
    head -c 8M /dev/urandom >"$bundle/rootfs/random"
    nacre exec sized cp /random /tmp/random
    [ "$(nacre exec sized sha256sum /tmp/random | cut -d ' ' -f 1)" = "$(sha256sum <"$bundle/rootfs/random" | cut -d ' ' -f 1)" ]
    nacre exec sized rm /tmp/file /tmp/random
    nacre update --memory 60M sized
    echo "MiB of the guest after shrinking: $(guest_memory); of the VMM: $full, then $(vmm_memory)"
    [ "$(guest_memory)" -le $((small + 32)) ]
    [ "$(guest_limit memory.max)" -eq $((60 << 20)) ]
    [ "$(host_memory_limit)" -le $((small_limit + (32 << 20))) ]
    wait_until 120 vmm_memory_is_below 160
    # And once more.
    nacre update --memory 300M sized
    [ "$(guest_memory)" -ge $((small + 180)) ]
}

guest_cpus() {
    nacre exec sized nproc
}

@test "update brings CPUs online, and takes them offline again" {
    new_bundle bundle sleep 100000
    edit_config '.linux.resources.cpu = {quota: 50000, period: 100000}'
    with_cpus 2 nacre run --detach --bundle "$bundle" sized </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
    [ "$(guest_cpus)" -eq 1 ]
    with_cpus 2 nacre update --cpu-quota 150000 sized
    [ "$(guest_cpus)" -eq 2 ]
    [ "$(guest_limit cpu.max)" = "150000 100000" ]
    # Both work.
    for cpu in 0 1; do
        nacre exec sized taskset -c "$cpu" sh -c 'i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done'
    done
    with_cpus 2 nacre update --cpu-quota 60000 sized
    [ "$(guest_cpus)" -eq 1 ]
    with_cpus 2 nacre update --cpu-quota 200000 sized
    [ "$(guest_cpus)" -eq 2 ]
    # Without a quota it keeps them.
    with_cpus 2 nacre update --cpu-quota -1 sized
    [ "$(guest_cpus)" -eq 2 ]
    # More than the host has is a quota like another, as with runc; more than the VM was made for is said.
    with_cpus 2 nacre update --cpu-quota 100000000 sized
    [ "$(guest_limit cpu.max)" = "100000000 100000" ]
    run with_cpus 4 nacre update --cpu-quota 400000 sized
    [ "$status" -eq 0 ]
    [[ "$output" == *"the virtual machine cannot have more than 2 CPU(s); create the container anew for 4"* ]]
}

@test "a container without a limit keeps what its VM has, one whose VM is of a fixed size is refused more" {
    start_container '.vm = {hwConfig: {memory: 134217728, vcpus: 1}}'
    run nacre update --memory 100M sized
    [ "$status" -ne 0 ]
    [[ "$output" == *"memory limit 104857600: the container's VM has 134217728 bytes of RAM by vm.hwConfig"* ]]
    run nacre update --cpu-quota 200000 sized
    [ "$status" -ne 0 ]
    [[ "$output" == *"the container's VM has 1 CPU(s) by vm.hwConfig"* ]]
    nacre update --memory 60M sized
    [ "$(guest_limit memory.max)" -eq $((60 << 20)) ]
    nacre update --memory -1 sized
    [ "$(guest_limit memory.max)" = max ]
    [ "$(host_memory_limit)" = max ]
}
