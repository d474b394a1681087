#!/usr/bin/env bats
# A hostile guest, really run: its kernel (tests/hostile-guest) plays the agent until its container runs, and then attacks the VMM
# from ring 0, or answers the host wrongly. Measured from outside: what nacre-vmm holds, what the host's files are, what nacre says.
# time-limit: 900
# shellcheck disable=SC2154,SC2016,SC2030,SC2031 # set by helpers and run
load helpers

# What nacre-vmm may hold beside the guest's RAM while it is attacked.
most_own_kib=12288
most_threads=10
most_descriptors=96

setup() {
    remember_machine
    NACRE_KERNEL=$(dirname "$(type -P nacre)")/../tests/hostile-kernel
    export NACRE_KERNEL
    export NACRE_INITRAMFS=$BATS_TEST_TMPDIR/attack
    new_bundle box sleep 1000
    box=$bundle
    edit_config '.vm.hwConfig = {vcpus: 1, memory: 134217728}'
    mkdir "$box/rootfs/shared" "$BATS_TEST_TMPDIR/outside"
    echo "THE SECRET OF THE HOST" >"$BATS_TEST_TMPDIR/outside/secret"
    touch "$BATS_TEST_TMPDIR/outside/only-outside" "$box/rootfs/shared/own"
}

teardown() {
    nacre list -q | while read -r id; do nacre delete --force "$id"; done
    assert_nothing_left
}

# create_hostile ATTACK
create_hostile() {
    echo "$1" >"$NACRE_INITRAMFS"
    nacre create --bundle "$box" box </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- || {
        cat "$BATS_TEST_TMPDIR/output" >&2
        return 1
    }
    vmm=$(jq .vmm.pid /run/nacre/box/state.json)
}

start_hostile() {
    create_hostile "$1"
    nacre start box
}

console() {
    tr -d '\0' </run/nacre/box/console.log
}

# attack_with NAME: from the container's start to the end of the attack.
attack_with() {
    start_hostile "$1"
    wait_until 120 eval "console | grep -q '^over: $1'"
    console | grep -v '^attack\|^over' | sed 's/^/# /' | head -n 20 >&3
}

usage() {
    python3 -I -S "$integration_dir/tests/hostile/usage.py" "$vmm"
}

# assert_bounded: nacre-vmm is there and within its bounds.
assert_bounded() {
    local name value
    usage >"$BATS_TEST_TMPDIR/usage"
    echo "# $BATS_TEST_DESCRIPTION: $(tr '\n' ' ' <"$BATS_TEST_TMPDIR/usage")" >&3
    while read -r name value; do declare -g "$name=$value"; done <"$BATS_TEST_TMPDIR/usage"
    [ "$own_kib" -le "$most_own_kib" ]
    [ "$threads" -le "$most_threads" ]
    [ "$descriptors" -le "$most_descriptors" ]
}

# assert_idle: what the guest began is over: nacre-vmm does not run any more.
assert_idle() {
    local before after
    before=$(usage | awk '/cpu_ms/ { print $2 }')
    sleep 2
    after=$(usage | awk '/cpu_ms/ { print $2 }')
    [ $((after - before)) -le 100 ]
}

# assert_deleted: in no more time than it takes for a VM that keeps the rules.
assert_deleted() {
    local begin=$SECONDS
    nacre delete --force box
    [ $((SECONDS - begin)) -le 10 ]
    ! kill -0 "$vmm" 2>/dev/null
}

# The guest has halted after its attack, and the host is as it was.
survives() {
    attack_with "$1"
    assert_bounded
    assert_idle
    [ "$(container_status box)" = running ]
    ! console | grep ESCAPED
    [ "$(wc -c </run/nacre/box/console.log)" -le 262144 ]
    [ "$(wc -c </run/nacre/box/vmm.log)" -le 1048576 ]
    assert_deleted
}

@test "registers touched at every offset, with every width and value, in any order" {
    survives registers
}

@test "queues of size 0 and 65535, unaligned, beyond RAM, over registers" {
    survives queue-setup
}

@test "rings moved, shrunk and reset while the device works on them" {
    survives moving-rings
}

@test "chains that loop, overflow, nest, or lie" {
    survives rings
}

@test "descriptors that change while they are read" {
    survives changing-rings
}

@test "storms of doorbells, and silence after them" {
    survives doorbells
}

@test "text without end on the console and in the VMM's log" {
    survives text
}

@test "free pages that are in use, memory that was not offered" {
    edit_config 'del(.vm) | .linux.resources.memory = {limit: 134217728}'
    survives memory
}

@test "floods of vsock connections, packets out of nowhere and under false names" {
    survives packets
}

@test "requests to the file server that are garbage, giant, interleaved, or too early" {
    survives file-server
}

@test "requests to a disk that are beyond its end, of no type, or in flight at a reset" {
    truncate --size 64M "$BATS_TEST_TMPDIR/disk"
    mkfs.ext4 -q "$BATS_TEST_TMPDIR/disk"
    edit_config '.mounts += [{destination: "/data", type: "ext4", source: $disk, options: ["rw"]}]' --arg disk "$BATS_TEST_TMPDIR/disk"
    survives disk
    [ "$(stat --format %s "$BATS_TEST_TMPDIR/disk")" -eq 67108864 ]
}

@test "frames that lie about themselves, buffers of one byte" {
    modprobe --all veth tun vhost_net
    network_namespace hostile 7
    edit_config '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/hostile"'
    survives interface
    ip netns delete hostile
}
