#!/usr/bin/env bats
# What one VM may take of the host: rates of its disks and interfaces, descriptors, space, memory; and what happens without.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031 # set by run and helpers; jq and shells of containers expand
# time-limit: 1200
# memory: 6G
load helpers

setup_file() {
    modprobe loop
    prepare_network_namespaces
}

setup() {
    remember_machine
}

teardown() {
    nacre delete --force box >/dev/null 2>&1 || true
    delete_network_namespaces
    losetup --list --noheadings --output NAME,BACK-FILE | grep "$BATS_TEST_TMPDIR" | cut -d ' ' -f 1 |
        xargs --no-run-if-empty losetup --detach
    ! mountpoint -q "$BATS_TEST_TMPDIR/small" || umount "$BATS_TEST_TMPDIR/small"
    local group
    for group in small few; do
        [ ! -d "/sys/fs/cgroup/$group" ] || rmdir "/sys/fs/cgroup/$group"
    done
    assert_nothing_left
}

# annotate NAME VALUE: an annotation io.nacre.NAME of $bundle.
annotate() {
    edit_config '.annotations[$name] = $value' --arg name "io.nacre.$1" --arg value "$2"
}

# milliseconds CMD…: how long it takes, in $elapsed.
milliseconds() {
    local begin=${EPOCHREALTIME/./}
    "$@" || return
    elapsed=$(((${EPOCHREALTIME/./} - begin) / 1000))
    echo "# $BATS_TEST_DESCRIPTION: $elapsed ms: $*" >&3
}

@test "a disk is held to its bytes a second, a disk without a limit is not" {
    local device
    truncate --size 64M "$BATS_TEST_TMPDIR/disk"
    device=$(losetup --find --show "$BATS_TEST_TMPDIR/disk")
    new_bundle box sleep 1000
    edit_config '.linux.devices += [{path: "/dev/xvda", type: "b", major: 7, minor: $minor, fileMode: 384, uid: 0, gid: 0}]
        | .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "b", major: 7, minor: $minor, access: "rwm"}]' \
        --argjson minor "${device#/dev/loop}"
    start_box
    milliseconds in_box dd if=/dev/xvda of=/dev/null bs=64k count=64 iflag=direct
    [ "$elapsed" -lt 5000 ]
    nacre delete --force box
    annotate block.bytes-per-second 524288
    annotate block.bytes-burst 65536
    start_box
    # 4 MiB at 512 KiB a second.
    milliseconds in_box dd if=/dev/xvda of=/dev/null bs=64k count=64 iflag=direct
    [ "$elapsed" -ge 7800 ]
    [ "$elapsed" -lt 30000 ]
    milliseconds in_box dd if=/dev/zero of=/dev/xvda bs=64k count=32 oflag=direct
    [ "$elapsed" -ge 3800 ]
    # It ends at once, also while it is held back.
    in_box dd if=/dev/xvda of=/dev/null bs=1M count=60 iflag=direct >/dev/null 2>&1 3>&- &
    sleep 2
    milliseconds nacre delete --force box
    [ "$elapsed" -lt 10000 ]
    wait $! || true
}

# transfer FROM-BOX|TO-BOX BYTES: over TCP.
transfer() {
    head -c "$2" /dev/urandom >"$BATS_TEST_TMPDIR/data"
    if [ "$1" = to-box ]; then
        in_box python3 /tests/traffic.py receive 5000 >"$BATS_TEST_TMPDIR/sum" 3>&- &
        wait_until 60 eval 'in_box cat /proc/net/tcp6 | grep -q ":1388 .* 0A "'
        milliseconds receive_all $! python3 "$integration_dir/tests/network/traffic.py" send 10.5.0.2 5000 "$BATS_TEST_TMPDIR/data"
    else
        python3 "$integration_dir/tests/network/traffic.py" receive 5000 >"$BATS_TEST_TMPDIR/sum" 3>&- &
        wait_until 60 eval 'grep -q ":1388 .* 0A " /proc/net/tcp6'
        milliseconds receive_all $! in_box python3 /tests/traffic.py send 10.5.0.1 5000 /tmp/data
    fi
    [ "$(cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/sum")" = "$(md5sum <"$BATS_TEST_TMPDIR/data" | cut -d ' ' -f 1)" ]
}

# receive_all RECEIVER CMD…: until all has come.
receive_all() {
    "${@:2}" && wait "$1"
}

@test "an interface is held to its bytes a second each way, also where the host has vhost-net" {
    network_namespace box 5
    network_bundle box sleep 1000
    annotate net.rx.bytes-per-second 262144
    annotate net.rx.bytes-burst 65536
    annotate net.tx.bytes-per-second 131072
    annotate net.tx.bytes-burst 65536
    start_box
    transfer to-box 2000000
    [ "$elapsed" -ge 7000 ]
    transfer from-box 1000000
    [ "$elapsed" -ge 6800 ]
    milliseconds nacre delete --force box
    [ "$elapsed" -lt 10000 ]
}

@test "a limit that is none is refused in one line, before anything is made" {
    new_bundle box true
    annotate net.tx.operations-per-second 10k
    run nacre create --bundle "$bundle" box
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *'annotation io.nacre.net.tx.operations-per-second: '*10k*' is not a number from 1 to '* ]]
    [ ! -e /run/nacre/box ]
}

# on_small_root SIZE INODES: a root of nacre's with as much room.
on_small_root() {
    small=$BATS_TEST_TMPDIR/small
    ! mountpoint -q "$small" || umount "$small"
    mkdir -p "$small"
    mount -t tmpfs -o "size=$1,nr_inodes=$2" small "$small"
}

@test "a root without space: create fails with one line wherever it runs out, and leaves nothing" {
    new_bundle box sleep 1000
    local size inodes made=0 refused=0
    for size in 4k 8k 16k 1M; do
        for inodes in 2 4 6 1000; do
            [ "$size" = 1M ] || [ "$inodes" = 1000 ] || continue
            on_small_root "$size" "$inodes"
            status=0
            nacre --root "$small/root" create --bundle "$bundle" box </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- || status=$?
            output=$(cat "$BATS_TEST_TMPDIR/output")
            if [ "$status" -eq 0 ]; then
                made=$((made + 1))
                nacre --root "$small/root" delete --force box
            else
                refused=$((refused + 1))
                echo "# $size, $inodes files: $output" >&3
                [ "$status" -eq 1 ]
                assert_one_clear_line "$output"
                [[ "$output" == *"o space left on device"* ]]
                nacre --root "$small/root" delete --force box
            fi
            [ ! -e "$small/root/box" ]
            run ! vmm_pids
        done
    done
    [ "$made" -ge 1 ]
    [ "$refused" -ge 4 ]
}

@test "a root that is filled under a container: what cannot be recorded is told and does not run, and all of it can be deleted" {
    new_bundle box sh -c 'while :; do echo line; sleep 0.1; done'
    on_small_root 1M 1000
    nacre --root "$small" create --bundle "$bundle" box </dev/null >/dev/null 2>&1
    dd if=/dev/zero of="$small/filler" bs=4k 2>/dev/null || true
    run nacre --root "$small" start box
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *"o space left on device"* ]]
    wait_until 30 eval '[ "$(nacre --root "$small" state box | jq -r .status)" = stopped ]'
    nacre --root "$small" delete --force box
    [ ! -e "$small/box" ]
    run ! vmm_pids
}

@test "many VMs that start at once with few descriptors each give their own answer" {
    local pids=() i
    for ((i = 1; i <= 8; ++i)); do
        new_bundle "box$i" sh -c "echo answer $i; exit $i"
        (
            ulimit -n 128
            ended=0
            output=$(NACRE_TEST_LIMIT=300 nacre run --bundle "$bundle" "box$i" </dev/null 2>&1 3>&-) || ended=$?
            [ "$output $ended" = "answer $i $i" ] || { echo "# box$i: $ended $output" >&3; exit 1; }
        ) &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
}

@test "without enough descriptors create fails with one line, and leaves nothing" {
    new_bundle box true
    local limit
    for limit in 8 12 16 20 24; do
        run bash -c 'ulimit -n "$1"; exec timeout 100 nacre run --bundle "$2" box </dev/null' sh "$limit" "$bundle"
        echo "# $limit descriptors: $status $output" >&3
        [ "$status" -ne 124 ]
        [ "$status" -eq 0 ] || assert_one_clear_line "$output"
        nacre delete --force box
        run ! vmm_pids
    done
}

@test "without enough tasks create fails with one line, and leaves nothing" {
    mkdir /sys/fs/cgroup/few
    new_bundle box true
    edit_config '.linux.cgroupsPath = "/few/box"'
    local limit made refused=0
    for limit in 1 2 4 6 8 10 12; do
        echo "$limit" >/sys/fs/cgroup/few/pids.max
        run timeout 100 nacre run --keep --bundle "$bundle" box </dev/null
        echo "# $limit tasks: $status $output" >&3
        [ "$status" -ne 124 ]
        if [ "$status" -ne 0 ]; then
            refused=$((refused + 1))
            assert_one_clear_line "$output"
        fi
        made=$status
        nacre delete --force box
        run ! vmm_pids
    done
    [ "$refused" -ge 3 ]
    [ "$made" -eq 0 ]
}

@test "a VM that the host kills for want of memory: 137, with the reason, and nothing is left" {
    mkdir /sys/fs/cgroup/small
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    echo 70M >/sys/fs/cgroup/small/memory.max
    echo +memory >/sys/fs/cgroup/small/cgroup.subtree_control
    new_bundle box sh -c 'sleep 10; tail /dev/zero'
    edit_config '.linux.cgroupsPath = "/small/box"'
    (
        wait_until 60 has_status box running
        timeout 100 nacre events --interval 1h box >"$BATS_TEST_TMPDIR/events"
    ) 3>&- &
    run nacre run --keep --bundle "$bundle" box
    wait $!
    [ "$status" -eq 137 ]
    [[ "${lines[-1]}" == *"the VMM was killed by signal 9: the host is out of memory"* ]]
    [ "$(container_status box)" = stopped ]
    [ "$(nacre state box | jq .exitStatus)" -eq 137 ]
    [ "$(cat "$BATS_TEST_TMPDIR/events")" = '{"type":"oom","id":"box"}' ]
    [[ "$(nacre state box | jq -r .exitCause)" == *"out of memory"* ]]
    nacre delete box
}
