#!/usr/bin/env bats
# The jail of nacre-vmm: what it may do is what it needs, and what happens when it does anything else.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031 # set by run and helpers; jq and shells of containers expand
# time-limit: 900
load helpers

setup() {
    modprobe --all loop veth tun vhost_net
    remember_machine
}

teardown() {
    nacre delete --force box >/dev/null 2>&1 || true
    delete_network_namespaces
}

vmm_pid() {
    jq .vmm.pid /run/nacre/box/state.json
}

@test "check tells of every thread of a container's VM what it may do" {
    new_bundle box sleep 1000
    start_box
    run -0 nacre check box
    [[ "$output" == *"pass  namespaces: mnt pid net ipc uts of its own"* ]]
    [[ "$output" == *"pass  root directory: the share"* ]]
    [[ "$output" == *"pass  core dumps: off"* ]]
    [[ "$output" == *"pass  locked memory: off"* ]]
    [[ "$output" == *"pass  file server: for the share"* ]]
    [ "${lines[-1]}" = "the jail of box holds" ]
    local threads
    threads=$(find "/proc/$(vmm_pid)/task" -mindepth 1 -maxdepth 1 | wc -l)
    [ "$(grep -c "^pass  thread .*no_new_privs, seccomp filter$" <<<"$output")" -eq "$threads" ]
    # All but those that serve files are nobody, with no capability at all.
    [ "$(grep "^pass  thread" <<<"$output" | grep -v "(virtio-fs)" | grep -vc "user 65534, capabilities 0x0,")" -eq 0 ]
}

@test "a container with nothing but disks has no file server, and nobody in its VMM a capability" {
    local disk=$BATS_TEST_TMPDIR/disk
    new_bundle box sleep 1000
    truncate --size 64M "$disk"
    mkfs.ext4 -q -d "$bundle/rootfs" "$disk"
    edit_config '.root.path = $disk | .mounts |= map(select(.type != "bind"))' --arg disk "$disk"
    start_box
    [ "$(in_box cat /proc/1/comm)" = sleep ]
    run -0 nacre check box
    [[ "$output" == *"pass  root directory: the share"* ]]
    [[ "$output" == *"pass  file server: none"* ]]
    [[ "$output" != *virtio-fs* ]]
    local thread
    for thread in "/proc/$(vmm_pid)"/task/*; do
        [ "$(grep -cE '^Cap(Inh|Prm|Eff|Bnd|Amb):\s0000000000000000$' "$thread/status")" -eq 5 ]
    done
    [ -z "$(ls "/proc/$(vmm_pid)/root")" ]
}

@test "from where a file server thread works, no way leads to the host's /proc" {
    local thread
    new_bundle box sleep 1000
    start_box
    for thread in "/proc/$(vmm_pid)"/task/*; do
        [ "$(cat "$thread/comm")" = virtio-fs ] || continue
        [ "$(ls "$thread/cwd/../.." | grep -v "^[0-9]" | xargs)" = "self thread-self" ]
        run ! bash -c 'echo >"$1/cwd/../oom_score_adj"' -- "$thread"
        [[ "$output" == *"Read-only file system"* ]]
        return 0
    done
    return 1
}

@test "check of a container that does not run is an error, and one that is not there" {
    run -1 nacre check box
    [[ "$output" == *"container does not exist"* ]]
    new_bundle box true
    nacre run --keep --bundle "$bundle" box
    run -1 nacre check box
    [[ "$output" == *"container not running"* ]]
}

@test "a VMM that its filter kills ends the container, with the reason" {
    new_bundle box sleep 1000
    start_box
    python3 "$integration_dir/tests/jail/forbidden_call.py" "$(vmm_pid)"
    wait_until 20 has_status box stopped
    [ "$(nacre state box | jq -r .exitStatus)" = 137 ]
    [[ "$(nacre state box | jq -r .exitCause)" == *"system call that its jail forbids"* ]]
}

# record NAME: starts the container of $bundle; every system call of its VMM goes to $traces/NAME.
record() {
    with_cpus 4 strace -DDD -f -qq -X raw -o "$traces/$1" "$(type -P nacre)" run --detach --bundle "$bundle" box \
        </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- || {
        cat "$BATS_TEST_TMPDIR/output" >&2
        return 1
    }
}

# end_box: the VM powers off by itself, and takes its threads down one by one.
end_box() {
    nacre kill box KILL
    wait_until 20 has_status box stopped
    nacre delete box
}

# Files, disks and a network at work, with vhost and without, and a VM that grows.
@test "no rule of the filters is unused, but for those that say when they are needed" {
    local traces=$BATS_TEST_TMPDIR/traces disk=$BATS_TEST_TMPDIR/disk device
    mkdir "$traces"
    truncate --size 64M "$disk" "$disk.device"
    mkfs.ext4 -q "$disk"
    device=$(losetup --find --show "$disk.device")
    network_namespace one 1
    network_bundle one sleep 1000
    edit_config '.mounts += [{destination: "/data", type: "ext4", source: $disk, options: ["rw"]},
        {destination: "/files", type: "bind", source: $files, options: ["rbind", "ro"]}]
        | .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN", "CAP_CHOWN", "CAP_FOWNER", "CAP_SETFCAP", "CAP_DAC_OVERRIDE"])
        | .linux.devices += [{path: "/dev/xvda", type: "b", major: 7, minor: $minor, fileMode: 384, uid: 0, gid: 0}]
        | .linux.resources = {memory: {limit: 134217728}, cpu: {quota: 200000, period: 100000},
            devices: [{allow: false, access: "rwm"}, {allow: true, type: "b", major: 7, minor: $minor, access: "rwm"}]}' \
        --arg disk "$disk" --arg files "$integration_dir/tests/files" --argjson minor "${device#/dev/loop}"
    record with_vhost
    in_box python3 /files/system_calls.py root >/dev/null
    in_box python3 -c 'import os; os.lseek(os.open("/files/clone.sh", os.O_RDONLY), 0, os.SEEK_HOLE)'
    in_box sh -c 'head -c 9000000 /dev/urandom >/data/a && sync && rm /data/a && fstrim /data'
    in_box dd if=/dev/xvda of=/dev/null bs=1M count=4 status=none
    in_box sh -c 'head -c 300000 /dev/urandom >/tmp/a && cp /tmp/a /tmp/b && sync /tmp/b && sync -f /tmp/b && df /tmp' >/dev/null
    echo text | in_box cat
    in_box ping -c 3 -W 20 10.1.0.1
    with_cpus 4 nacre update --memory 256M --cpu-quota 300000 box
    end_box
    rmmod vhost_net
    record without_vhost
    in_box ping -c 3 -W 20 10.1.0.1
    end_box
    losetup --detach "$device"
    run -0 nacre-vmm --syscall-rules
    python3 "$integration_dir/tests/jail/unused_rules.py" <(echo "$output") "$traces"/*
}
