#!/usr/bin/env bats
# Disks: image files and block devices of the host as roots, mounts and devices of a container.
# shellcheck disable=SC2154,SC2016 # set by run and helpers; jq and shells of containers expand
# time-limit: 900
load helpers

setup() {
    modprobe loop
    remember_machine
    images=$BATS_TEST_TMPDIR/images
    mkdir "$images"
}

teardown() {
    nacre delete --force block >/dev/null 2>&1 || true
    nacre delete --force other >/dev/null 2>&1 || true
    losetup --list --noheadings --output NAME,BACK-FILE | grep "$BATS_TEST_TMPDIR" | cut -d ' ' -f 1 |
        xargs --no-run-if-empty losetup --detach
}

# image NAME SIZE MKFS…: an image file $images/NAME with a file system.
image() {
    truncate --size "$2" "$images/$1"
    "${@:3}" "$images/$1" >/dev/null 2>&1
}

# add_mount TYPE NAME OPTIONS…: mounts the image on /data in $bundle.
add_mount() {
    edit_config '.mounts += [{destination: "/data", type: $type, source: $source, options: ($options | split(" "))}]' \
        --arg type "$1" --arg source "$images/$2" --arg options "${*:3}"
}

# add_device PATH ACCESS: gives $bundle the host's block device as /dev/xvda, as callers do.
add_device() {
    local major minor
    major=$((0x$(stat --format %t "$1"))) minor=$((0x$(stat --format %T "$1")))
    edit_config '.linux.devices += [{path: "/dev/xvda", type: "b", major: $major, minor: $minor, fileMode: 384, uid: 0, gid: 0}]
        | .linux.resources.devices = [{allow: false, access: "rwm"},
            {allow: true, type: "b", major: $major, minor: $minor, access: $access}]' \
        --argjson major "$major" --argjson minor "$minor" --arg access "$2"
}

# in_container SCRIPT: what a shell in $bundle prints.
in_container() {
    set_command sh -c "$1"
    run nacre run --bundle "$bundle" block
    echo "$output"
}

# on_host NAME CMD…: runs CMD in the image's file system, mounted on the host.
on_host() {
    local place=$BATS_TEST_TMPDIR/mounted status=0
    mkdir -p "$place"
    mount -o loop "$images/$1" "$place"
    (cd "$place" && "${@:2}") || status=$?
    umount "$place"
    return "$status"
}

@test "an image of ext4: what the container writes is in it, intact" {
    new_bundle bundle true
    image data 64M mkfs.ext4 -q
    add_mount ext4 data nosuid noatime
    in_container 'grep /data /proc/mounts; dd if=/dev/urandom of=/data/random bs=1M count=20 2>/dev/null; sha256sum </data/random'
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == *" ext4 rw,nosuid,noatime"* ]]
    [ "$(on_host data sha256sum random | cut -d ' ' -f 1)" = "$(cut -d ' ' -f 1 <<<"${lines[1]}")" ]
    assert_nothing_left
}

@test "a read-only image is not changed, whatever the container does" {
    new_bundle bundle true
    image data 32M mkfs.ext4 -q
    on_host data sh -c 'echo seen >file'
    local before
    before=$(sha256sum "$images/data")
    add_mount ext4 data ro
    edit_config '.process.capabilities |= map_values(["CAP_SYS_ADMIN", "CAP_MKNOD"])
        | .linux.resources.devices = [{allow: true, access: "rwm"}]'
    in_container 'cat /data/file; echo x >/data/file; mount -o remount,rw /data; echo x >/data/other
        major=$(grep virtblk /proc/devices | cut -d " " -f 1); mknod /tmp/disk b $major 0; dd if=/dev/zero of=/tmp/disk bs=4k count=1'
    [[ "${lines[0]}" == seen && "$output" == *"/data/file: Read-only file system"* ]]
    [ "$(sha256sum "$images/data")" = "$before" ]
}

@test "images of EROFS and XFS" {
    new_bundle bundle true
    mkdir "$images/tree"
    seq 100000 >"$images/tree/numbers"
    mkfs.erofs -zlz4 "$images/layer" "$images/tree" >/dev/null
    image data 320M mkfs.xfs -q
    add_mount erofs layer nodev
    edit_config '.mounts[-1].destination = "/layer"'
    add_mount xfs data rw
    in_container 'cp /layer/numbers /data/ && sha256sum </data/numbers; df -T /layer /data | grep -o "[a-z]*fs "; echo x >/layer/x'
    [ "${lines[0]}" = "$(sha256sum <"$images/tree/numbers")" ]
    [[ "$output" == *erofs*xfs* && "$output" == *"Read-only file system"* ]]
    on_host data cmp numbers "$images/tree/numbers"
}

@test "a block device of the host: a node in the container, its data both ways" {
    new_bundle bundle true
    dd if=/dev/urandom of="$images/disk" bs=1M count=16 2>/dev/null
    local device before
    before=$(sha256sum <"$images/disk")
    device=$(losetup --find --show "$images/disk")
    add_device "$device" rwm
    in_container 'ls -l /dev/xvda; sha256sum </dev/xvda; dd if=/dev/zero of=/dev/xvda bs=1M count=1 seek=4 conv=notrunc,fsync 2>/dev/null'
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == brw-------* ]]
    [ "${lines[1]}" = "$before" ]
    cmp -n 1048576 <(dd if="$device" bs=1M skip=4 count=1 2>/dev/null) /dev/zero
    run ! cmp -s -n 1048576 <(dd if="$device" bs=1M skip=5 count=1 2>/dev/null) /dev/zero
    losetup --detach "$device"
    assert_nothing_left
}

@test "a block device that the rules allow to read is not written" {
    new_bundle bundle true
    dd if=/dev/urandom of="$images/disk" bs=1M count=4 2>/dev/null
    local before
    before=$(sha256sum <"$images/disk")
    add_device "$(losetup --find --show "$images/disk")" rm
    in_container 'sha256sum </dev/xvda; dd if=/dev/zero of=/dev/xvda bs=4k count=1'
    [ "${lines[0]}" = "$before" ]
    [[ "$output" == *"Operation not permitted"* ]]
    [ "$(sha256sum <"$images/disk")" = "$before" ]
}

@test "a privileged container gets no disk of the host" {
    new_bundle bundle true
    truncate --size 4M "$images/disk"
    add_device "$(losetup --find --show "$images/disk")" rwm
    edit_config '.linux.resources.devices = [{allow: true, access: "rwm"}]'
    in_container 'ls /sys/block | grep -c ^vd; cat /dev/xvda'
    [ "${lines[0]}" = 0 ]
    [[ "$output" == *"No such device"* ]]
}

@test "discarded space is given back to the host" {
    new_bundle bundle true
    image data 64M mkfs.ext4 -q -E nodiscard
    add_mount ext4 data rw
    edit_config '.process.capabilities |= map_values(["CAP_SYS_ADMIN"])'
    in_container 'dd if=/dev/urandom of=/data/big bs=1M count=32 2>/dev/null; sync; echo written
        rm /data/big; sync; fstrim /data'
    [ "$status" -eq 0 ]
    [ "$(stat --format %b "$images/data")" -lt $((16 * 2048)) ]
}

@test "what was synced is there after the VM was killed" {
    new_bundle bundle sh -c 'seq 200000 >/data/numbers; sync; touch /tmp/done; sleep 1000'
    image data 64M mkfs.ext4 -q
    add_mount ext4 data rw
    nacre run --detach --bundle "$bundle" block
    wait_until 60 nacre exec block test -e /tmp/done
    kill -KILL "$(vmm_pids)"
    wait_until 60 has_status block stopped
    [ "$(on_host data sha256sum numbers | cut -d ' ' -f 1)" = "$(seq 200000 | sha256sum | cut -d ' ' -f 1)" ]
}

@test "a root that is an image: ext4, and EROFS without any file server" {
    new_bundle bundle true
    echo here >"$bundle/rootfs/etc/where"
    truncate --size 64M "$bundle/root.ext4"
    mkfs.ext4 -q -d "$bundle/rootfs" "$bundle/root.ext4"
    mkfs.erofs "$bundle/root.erofs" "$bundle/rootfs" >/dev/null
    rm -rf "${bundle:?}/rootfs"
    edit_config '.root.path = "root.ext4"'
    in_container 'cat /etc/where; echo new >/etc/new; sync'
    [ "$status" -eq 0 ]
    [ "$output" = here ]
    [ "$(debugfs -R 'cat /etc/new' "$bundle/root.ext4" 2>/dev/null)" = new ]
    edit_config '.root = {path: "root.erofs", readonly: true}'
    in_container 'cat /etc/where; grep -c virtiofs /proc/mounts; ls /sys/fs/fuse/connections | wc -l; echo new >/etc/new'
    [[ "${lines[0]}" == here && "${lines[1]}" == 0 && "$output" == *"Read-only file system"* ]]
    assert_nothing_left
}

@test "an image is writable in one VM at a time" {
    new_bundle bundle sleep 1000
    image data 16M mkfs.ext4 -q
    add_mount ext4 data rw
    nacre run --detach --bundle "$bundle" block
    run nacre run --bundle "$bundle" other
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *"/mounts/"*"another virtual machine has it mounted"* ]]
}

@test "a disk is mounted in a user namespace, too" {
    new_bundle bundle true
    image data 16M mkfs.ext4 -q
    add_mount ext4 data rw
    edit_config '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
    on_host data sh -c 'echo seen >file; chown 100000:100000 file'
    chmod -R a+rX "$BATS_TEST_TMPDIR"
    chown -R 100000:100000 "$bundle/rootfs"
    in_container 'cat /data/file; stat -c %u /data/file'
    [ "${lines[*]}" = "seen 0" ]
}

@test "what is no disk is refused in one line" {
    new_bundle bundle true
    add_mount ext4 missing rw
    run nacre run --bundle "$bundle" block
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *"/mounts/"*"/source: "*"No such file"* ]]
    dd if=/dev/urandom of="$images/missing" bs=1M count=1 2>/dev/null
    run nacre run --bundle "$bundle" block
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *"mount ext4 on /data"* ]]
    assert_nothing_left
}
