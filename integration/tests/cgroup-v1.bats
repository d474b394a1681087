#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016 # set by run and helpers; shells of containers expand
# A host with cgroup v1: a hierarchy for each controller and, as systemd's hybrid layout has it, one of v2 without any.
# time-limit: 900
load helpers

setup_file() {
    [ "${NACRE_LAB:-}" = 1 ] || skip "only the lab can change its cgroup hierarchies"
    mount_v1 /sys/fs/cgroup
}

mount_v1() {
    local controller
    for controller in $(cat "$1/cgroup.subtree_control"); do echo "-$controller" >"$1/cgroup.subtree_control"; done
    umount "$1"
    mount -t tmpfs -o mode=755 cgroup "$1"
    for controller in cpuset cpu,cpuacct memory devices freezer blkio pids; do
        mkdir "$1/$controller"
        # Until the kernel has taken the controller from v2.
        wait_until 60 mount -t cgroup -o "$controller" cgroup "$1/$controller"
    done
    mkdir "$1/systemd" "$1/unified"
    mount -t cgroup -o none,name=systemd cgroup "$1/systemd"
    mount -t cgroup2 cgroup2 "$1/unified"
}

setup() {
    # The parent of all in each hierarchy stays.
    mkdir -p /sys/fs/cgroup/{cpuset,cpu\,cpuacct,memory,devices,freezer,blkio,pids,systemd,unified}/v1-test
    remember_machine
    new_bundle box sh -c 'while :; do sleep 0.2; done'
    edit_config '.linux.cgroupsPath = "/v1-test/box"'
}

teardown() {
    nacre delete --force box
    assert_nothing_left
}

run_box() {
    nacre run --detach --pid-file "$BATS_TEST_TMPDIR/pid" --bundle "$bundle" box </dev/null >/dev/null 2>&1
}

file_of() {
    cat "/sys/fs/cgroup/$1/v1-test/box/$2"
}

guest_file() {
    nacre exec box cat "/sys/fs/cgroup/$1"
}

@test "every hierarchy has the container's processes, and the limits of its controller" {
    edit_config '.linux.resources = {memory: {limit: 104857600}, pids: {limit: 30},
        cpu: {quota: 25000, period: 50000, shares: 512, cpus: "0"}}'
    run_box
    local hierarchy
    for hierarchy in cpuset cpu,cpuacct memory devices freezer blkio pids systemd unified; do
        # The relay and the VMM; a thread of KVM's own may be there as well.
        grep -qx "$(cat "$BATS_TEST_TMPDIR/pid")" "/sys/fs/cgroup/$hierarchy/v1-test/box/cgroup.procs"
        grep -qx "$(vmm_pids)" "/sys/fs/cgroup/$hierarchy/v1-test/box/cgroup.procs"
    done
    # The VM's RAM, 48 MiB above the container's limit, and 64 MiB for the VMM.
    [ "$(file_of memory memory.limit_in_bytes)" -eq $(((100 + 48 + 64) << 20)) ]
    [ "$(file_of cpu,cpuacct cpu.cfs_quota_us) $(file_of cpu,cpuacct cpu.cfs_period_us) $(file_of cpu,cpuacct cpu.shares)" = "25000 50000 512" ]
    [ "$(file_of cpuset cpuset.cpus)" = 0 ]
    # The container's limit, and 512 for the VMM and the relays.
    [ "$(file_of pids pids.max)" = 542 ]
    # The workload's are exact, in the guest's cgroup v2.
    [ "$(guest_file memory.max) $(guest_file pids.max)" = "104857600 30" ]
    [ "$(guest_file cpu.max) $(guest_file cpu.weight)" = "25000 50000 59" ]
    nacre delete --force box
    [ -z "$(find /sys/fs/cgroup -name 'box*')" ]
}

@test "update, pause, resume, events and exec" {
    run_box
    nacre update --cpu-quota 30000 --cpu-share 2048 --memory 64M box
    [ "$(file_of cpu,cpuacct cpu.cfs_quota_us) $(file_of cpu,cpuacct cpu.shares)" = "30000 2048" ]
    [ "$(guest_file cpu.max) $(guest_file memory.max)" = "30000 100000 67108864" ]
    nacre update --cpu-quota -1 box
    [ "$(file_of cpu,cpuacct cpu.cfs_quota_us) $(guest_file cpu.max)" = "-1 max 100000" ]
    nacre pause box
    has_status box paused
    nacre resume box
    nacre events --stats box | jq -e '.data.memory.usage.limit == 67108864'
    nacre exec --detach --pid-file "$BATS_TEST_TMPDIR/exec" box sleep 100 </dev/null >/dev/null 2>&1
    grep -q ':memory:/v1-test/box$' "/proc/$(cat "$BATS_TEST_TMPDIR/exec")/cgroup"
}

@test "a cgroup that is frozen, in use or the root is refused" {
    mkdir /sys/fs/cgroup/freezer/v1-test/box
    echo FROZEN >/sys/fs/cgroup/freezer/v1-test/box/freezer.state
    run nacre create --bundle "$bundle" box
    [ "$status" -eq 1 ]
    [[ "$output" == *"unexpectedly frozen"* ]]
    echo THAWED >/sys/fs/cgroup/freezer/v1-test/box/freezer.state
    sleep 60 3>&- &
    echo $! >/sys/fs/cgroup/freezer/v1-test/box/cgroup.procs
    run nacre create --bundle "$bundle" box
    [ "$status" -eq 1 ]
    [[ "$output" == *"is not empty: 1 process(es) found"* ]]
    kill $!
    wait $! || true
    rmdir /sys/fs/cgroup/freezer/v1-test/box
}

@test "a container whose host cgroup somebody has frozen is deleted all the same" {
    run_box
    echo FROZEN >/sys/fs/cgroup/freezer/v1-test/box/freezer.state
    nacre delete --force box
}

# Prints a line for each time that the eventfd of the container's memory.oom_control fires, as callers register it.
watch_oom() {
    python3 -c '
import os, sys
directory = sys.argv[1]
event = os.eventfd(0)
control = os.open(directory + "/memory.oom_control", os.O_RDONLY)
with open(directory + "/cgroup.event_control", "w") as file: file.write("%d %d" % (event, control))
print("watching", flush=True)
while os.path.exists(directory):
    os.eventfd_read(event)
    print("oom" if os.path.exists(directory) else "gone", flush=True)
' /sys/fs/cgroup/memory/v1-test/box >"$BATS_TEST_TMPDIR/watched" 3>&- &
    wait_until 60 grep -qx watching "$BATS_TEST_TMPDIR/watched"
}

@test "an OOM kill in the guest is one in the container's memory cgroup, and nothing else is killed" {
    edit_config '.linux.resources.memory = {"limit": 33554432}'
    run_box
    watch_oom
    local processes limit members
    processes=$(nacre ps --format json box)
    limit=$(file_of memory memory.limit_in_bytes)
    members=$(file_of memory cgroup.procs)
    # Files that the container reads are page cache of its VMM's cgroup, of which the kernel would take some first.
    nacre exec box sh -c 'cat /bin/busybox >/dev/null'
    run nacre exec box sh -c 'tail -c 60m /dev/zero'
    [ "$status" -eq 137 ]
    wait_until 60 grep -qx oom "$BATS_TEST_TMPDIR/watched"
    wait_until 60 grep -qx 'oom_kill 1' /sys/fs/cgroup/memory/v1-test/box/memory.oom_control
    wait_until 60 [ ! -e /sys/fs/cgroup/memory/v1-test/box.oom ]
    [ "$(nacre ps --format json box)" = "$processes" ]
    [ "$(file_of memory memory.limit_in_bytes)" = "$limit" ]
    [ "$(file_of memory cgroup.procs)" = "$members" ]
    nacre exec box true
    nacre delete --force box
    wait
    [ "$(cat "$BATS_TEST_TMPDIR/watched")" = $'watching\noom\ngone' ]
}

@test "an init that dies for want of memory is an OOM kill too, without a limit of the host" {
    new_bundle box sh -c 'while [ ! -e /go ]; do sleep 0.1; done; exec tail /dev/zero'
    edit_config '.linux.cgroupsPath = "/v1-test/box" | .vm.hwConfig.memory = 134217728'
    run_box
    [ "$(file_of memory memory.limit_in_bytes)" -gt $((1 << 40)) ]
    watch_oom
    nacre exec box touch /go
    wait_until 60 has_status box stopped
    wait_until 60 grep -qx oom "$BATS_TEST_TMPDIR/watched"
    [ "$(nacre state box | jq .exitStatus)" -eq 137 ]
    nacre delete box
    wait
}

@test "podman: a container out of memory is OOMKilled" {
    local image=docker.io/library/nacre-busybox:test directory
    printf '[containers]\nnetns = "none"\n[engine]\nruntime = "nacre"\ncgroup_manager = "cgroupfs"\n[engine.runtimes]\nnacre = ["%s"]\n' \
        "$(type -P nacre)" >"$BATS_TEST_TMPDIR/containers.conf"
    export CONTAINERS_CONF=$BATS_TEST_TMPDIR/containers.conf
    podman load --quiet --input "$(image_dir)/busybox.oci.tar" 3>&-
    podman create --name hungry --memory 64m "$image" sh -c 'exec tail /dev/zero' 3>&-
    directory=$(podman inspect --format '{{.StaticDir}}' hungry)
    # There, because Debian's conmon leaves the file that says so where podman was called (podman.bats).
    run sh -c 'cd "$1" && podman start --attach hungry 3>&-' sh "$directory"
    echo "status $status: $output"
    [ "$status" -eq 137 ]
    [ "$(podman inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' hungry)" = "137 true" ]
    podman rm hungry
    remember_machine  # podman's own directories stay
}

@test "v1 alone, without a v2 hierarchy, is enough" {
    rmdir /sys/fs/cgroup/unified/v1-test
    umount /sys/fs/cgroup/unified
    remember_machine
    run_box
    nacre exec box true
    nacre delete --force box
    [ -z "$(find /sys/fs/cgroup -name 'box*')" ]
}
