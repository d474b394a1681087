#!/usr/bin/env bats
# A hostile guest, really run: its kernel (tests/hostile-guest) plays the agent until its container runs, and then attacks the VMM
# from ring 0, or answers the host wrongly. Measured from outside: what nacre-vmm holds, what the host's files are, what nacre says.
# time-limit: 1200
# shellcheck disable=SC2154,SC2016,SC2030,SC2031 # set by helpers and run
load helpers

# What nacre-vmm may hold beside the guest's RAM while it is attacked.
most_own_kib=12288
most_threads=10
most_descriptors=96

setup_file() {
    prepare_network_namespaces
}

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
    console >"$BATS_TEST_TMPDIR/console" 2>/dev/null && tail -n 5 "$BATS_TEST_TMPDIR/console"
    nacre list -q | while read -r id; do nacre delete --force "$id"; done
    delete_network_namespaces
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
    tr -cd '\n -~' </run/nacre/box/console.log
}

# What the guest says of itself, a line each.
guest_lines() {
    console | sed -n 's/^guest: //p'
}

# assert_no_success: the guest reached nothing, and all that it meant to try was tried.
assert_no_success() {
    [ "$(guest_lines | grep -c '^ESCAPED\|^FAILED')" -eq 0 ]
}

# attack_with NAME: from the container's start to the end of the attack.
attack_with() {
    start_hostile "$1"
    wait_until 240 eval "guest_lines | grep -q '^over: $1'"
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
    assert_no_success
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

@test "text without end on the console" {
    survives console
}

@test "text without end on the serial port" {
    survives serial-port
}

@test "mistakes without end, each worth a line in the VMM's log" {
    survives log
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

with_interface() {
    network_namespace hostile 7
    edit_config '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/hostile"'
}

@test "frames that lie about themselves, buffers of one byte" {
    with_interface
    modprobe --all tun vhost_net
    rmmod vhost_net
    survives interface
}

@test "frames that lie, and buffers of one byte, where the host's kernel serves the queues" {
    with_interface
    modprobe vhost_net
    survives interface
}

# --- while it goes on

@test "an attack without end costs the guest its own share of the CPU, and nobody else anything" {
    edit_config '.linux.resources.cpu = {quota: 40000, period: 100000}'
    start_hostile endless
    sleep 3
    assert_bounded
    local before=$own_kib begin=$cpu_ms started=$EPOCHREALTIME elapsed_ms
    new_bundle neighbour echo all is well
    run -0 env -u NACRE_KERNEL -u NACRE_INITRAMFS nacre run --bundle "$bundle" neighbour
    [ "$output" = "all is well" ]
    [ "$(container_status box)" = running ]
    assert_bounded
    elapsed_ms=$(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
    [ $((own_kib - before)) -le 1024 ]
    [ $((cpu_ms - begin)) -le $((elapsed_ms / 2)) ]
    assert_deleted
}

@test "a guest that opens and makes files without end is refused, and nacre-vmm stays small" {
    ulimit -Hn 4096
    most_descriptors=4096
    survives hoard
}

# --- what is not shared

# What a guest must not change, with everything that a change would change.
outside_state() {
    find "$BATS_TEST_TMPDIR/outside" "$BATS_TEST_TMPDIR/fixed" -printf '%p %m %U %G %n %s %T@ %C@\n' -exec cat '{}' ';' 2>/dev/null
}

# with_fixed: a read-only mount, and links to the outside.
with_fixed() {
    mkdir "$BATS_TEST_TMPDIR/fixed"
    echo fixed >"$BATS_TEST_TMPDIR/fixed/file"
    edit_config '.mounts += [{destination: "/fixed", type: "bind", source: $fixed, options: ["rbind", "ro"]}]' \
        --arg fixed "$BATS_TEST_TMPDIR/fixed"
    ln -s "$BATS_TEST_TMPDIR/outside" "$box/rootfs/shared/absolute"
    ln -s ../../../outside "$box/rootfs/shared/relative"
    ln -s self "$box/rootfs/shared/self"
}

@test "no name, link, handle, device or mount leads out of the share, or past its being read-only" {
    with_fixed
    outside_state >"$BATS_TEST_TMPDIR/before"
    survives paths
    outside_state | diff "$BATS_TEST_TMPDIR/before" -
    [ ! -e "$BATS_TEST_TMPDIR/planted" ]
}

@test "a directory that another container swaps for a link does not lead out of the share" {
    with_fixed
    mkdir "$box/rootfs/shared/door"
    echo harmless >"$box/rootfs/shared/door/secret"
    outside_state >"$BATS_TEST_TMPDIR/before"
    new_bundle neighbour sh -c 'cd /shared
        while [ ! -e stop ]; do
            mv door open; cp -P absolute door; rm door; mv open door
            mv door open; cp -P relative door; rm door; mv open door
        done'
    edit_config '.mounts += [{destination: "/shared", type: "bind", source: $shared, options: ["rbind", "rw"]}]' \
        --arg shared "$box/rootfs/shared"
    env -u NACRE_KERNEL -u NACRE_INITRAMFS nacre run --detach --bundle "$bundle" neighbour </dev/null >/dev/null 2>&1 3>&-
    start_hostile race
    sleep 6
    touch "$box/rootfs/shared/stop"
    wait_until 60 eval "guest_lines | grep -q '^over: race'"
    guest_lines | sed -n 's/^door/# door/p' >&3
    guest_lines | grep -Eq '^door: [1-9][0-9]* directories, [1-9][0-9]* links'
    assert_no_success
    outside_state | diff "$BATS_TEST_TMPDIR/before" -
    most_descriptors=4096  # it forgets nothing that it has looked up
    assert_bounded
    assert_deleted
}

# --- what the host is told

@test "a guest that says nothing any more, and does not end, is deleted all the same" {
    start_hostile silence
    wait_until 30 eval "guest_lines | grep -q '^over'"
    assert_idle
    run nacre delete box
    [ "$status" -ne 0 ]
    assert_one_clear_line "$output"
    NACRE_TEST_LIMIT=30 run nacre kill box KILL
    [ "$status" -ne 124 ]
    assert_deleted
}

# create_refused ATTACK…: create says why in one line, and leaves nothing.
create_refused() {
    local attack
    for attack in "$@"; do
        echo "$attack" >"$NACRE_INITRAMFS"
        NACRE_TEST_LIMIT=30 run -1 nacre create --bundle "$box" box </dev/null
        echo "# $attack: $output" >&3
        assert_one_clear_line "$output"
        [ ! -e /run/nacre/box ]
    done
}

@test "first words of a guest that are too long, too deep, of another version, or none, are refused in one line" {
    create_refused hello-huge hello-nested hello-garbage hello-version hello-other
}

@test "answers to create that were not asked for, or steer a terminal, are refused in one line" {
    create_refused create-other create-escapes create-huge-pid
}

@test "a guest that never says hello holds nobody up" {
    echo hello-silent >"$NACRE_INITRAMFS"
    nacre create --bundle "$box" box </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- &
    local creator=$! code=0
    wait_until 30 eval '[ "$(jq .vmm.pid /run/nacre/box/state.json)" -gt 0 ]'
    vmm=$(jq .vmm.pid /run/nacre/box/state.json)
    assert_deleted
    wait "$creator" || code=$?
    [ "$code" -ne 0 ]
}

@test "a guest that does not answer start holds nobody up" {
    create_hostile start-silent
    nacre start box >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- &
    local starter=$! code=0
    sleep 1
    assert_deleted
    wait "$starter" || code=$?
    [ "$code" -ne 0 ]
}

# ends_badly ATTACK: the container ends as lost, with a reason in one line, and its VM with it.
ends_badly() {
    start_hostile "$1"
    wait_until 60 has_status box stopped
    [ "$(nacre state box | jq .exitStatus)" -eq 137 ]
    local cause
    cause=$(nacre state box | jq -r .exitCause)
    echo "# $1: $cause" >&3
    assert_one_clear_line "$cause"
    [[ "$cause" != *signal* ]]
    wait_until 10 eval "! kill -0 $vmm"
    nacre delete box
}

@test "an exit status that is none, a message out of order, packets beyond all credit: the container is lost, with a reason" {
    ends_badly exit-wrong
    ends_badly answers-twice
    ends_badly own-connections
}

@test "a VM that claims to have other containers ends with its only one" {
    start_hostile exit-and-stay
    wait_until 30 has_status box stopped
    wait_until 10 eval "! kill -0 $vmm"
    nacre delete box
}

@test "out-of-memory kills that are claimed without end are counted no further than a bound" {
    edit_config '.linux.cgroupsPath = "/hostile"'
    start_hostile kills
    wait_until 240 eval "guest_lines | grep -q '^over: kills'"
    local kills
    kills=$(awk '/^oom_kill / { print $2 }' /sys/fs/cgroup/hostile/memory.events)
    echo "# $kills kills" >&3
    [ "$kills" -le 64 ]
    assert_bounded
    assert_deleted
}
