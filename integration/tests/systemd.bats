#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016 # set by run and helpers; shells of containers expand
# systemd's cgroup driver, with a systemd of its own: process 1 of new namespaces, below a cgroup of its own.
# time-limit: 700
load helpers

setup_file() {
    [ -e /sys/fs/cgroup/cgroup.controllers ] || skip "cgroup v2 is not at /sys/fs/cgroup"
    local units=$BATS_FILE_TMPDIR/units
    mkdir -p "$units" /sys/fs/cgroup/systemd-test
    printf '[Unit]\nDescription=nothing but systemd itself\n' >"$units/bare.target"
    # Process 1 alone enters the cgroup, and leaves it for init.scope. Another that stays would have the kernel make the cgroup a
    # threaded one as soon as systemd enables the first controller below it, and nothing could be moved there (EOPNOTSUPP).
    # A reload reads transient units and what was set of them again, from where systemd has put that in /run.
    unshare --pid --fork --mount --ipc --kill-child \
        sh -c 'echo 0 >/sys/fs/cgroup/systemd-test/cgroup.procs && exec unshare --cgroup sh -c "
            mount -t proc proc /proc && umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t tmpfs run /run &&
            exec env container=test SYSTEMD_UNIT_PATH=$0 /lib/systemd/systemd --unit=bare.target --log-target=null"' \
        "$units:/run/systemd/system.control:/run/systemd/transient" </dev/null >/dev/null 2>&1 3>&- &
    wait_until 60 has_systemd
    pgrep --oldest --full '^/lib/systemd/systemd --unit=bare.target' >"$BATS_FILE_TMPDIR/pid"
    wait_until 60 inside systemctl is-system-running
    # The slices stay once they are there: that of the tests, and the one of scopes that name none.
    inside systemctl start nacre-test.slice
    inside systemd-run --quiet --scope true
}

teardown_file() {
    kill -9 "$(cat "$BATS_FILE_TMPDIR/pid")"
    wait_until 60 remove_tree /sys/fs/cgroup/systemd-test
}

has_systemd() {
    pgrep --full '^/lib/systemd/systemd --unit=bare.target'
}

remove_tree() {
    find "$1" -depth -type d -exec rmdir {} +
}

setup() {
    inside mkdir -p -m 700 /run/nacre
    remember_machine
    new_bundle box sh -c 'while :; do sleep 0.2; done'
    edit_config '.linux.cgroupsPath = "nacre-test.slice:nacre:box"'
}

teardown() {
    nacre delete --force box
    assert_nothing_left
}

# CMD where systemd is process 1, in a cgroup of its part of the tree: none may be moved in from outside (nsdelegate).
inside() {
    mkdir -p /sys/fs/cgroup/systemd-test/callers
    sh -c 'echo 0 >/sys/fs/cgroup/systemd-test/callers/cgroup.procs && exec nsenter --target "$0" --all -- "$@"' \
        "$(cat "$BATS_FILE_TMPDIR/pid")" "$@"
}

nacre() {
    NACRE_TEST_LIMIT=60 inside timeout --foreground 60 "$(type -P nacre)" "$@"
}

run_box() {
    nacre --systemd-cgroup run --detach --pid-file "$BATS_TEST_TMPDIR/pid" --bundle "$bundle" box \
        </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
}

property() {
    inside systemctl show --property "$1" --value nacre-box.scope
}

has_property() {
    [ "$(property "$1")" = "$2" ]
}

# hide_thread_of_kvm SCOPE: KVM's thread beside a VMM has a pid in the host's namespace alone. This systemd, in one of its own, reads 0
# for it, and would kill all at once where it cannot read whom to signal. On a host it is a thread of the kernel like any other.
hide_thread_of_kvm() {
    local pid
    while read -r pid; do
        [[ $(cat "/proc/$pid/comm") != kvm-nx-* ]] || echo "$pid" >/sys/fs/cgroup/cgroup.procs
    done <"/sys/fs/cgroup/systemd-test/$1/container/cgroup.procs"
}

scope=/sys/fs/cgroup/systemd-test/nacre.slice/nacre-test.slice/nacre-box.scope

@test "a container is a scope of its slice, with the limits and properties of its configuration" {
    edit_config '.linux.resources = {memory: {limit: 104857600}, cpu: {quota: 25500, period: 50000, shares: 512,
            cpus: "0"}}
        | .annotations = {"org.systemd.property.TimeoutStopSec": "7",
            "org.systemd.property.CollectMode": "'"'inactive-or-failed'"'"}'
    nacre --cgroup-manager systemd create --bundle "$bundle" box </dev/null >/dev/null 2>&1
    [ "$(property ActiveState) $(property Slice) $(property Delegate)" = "active nacre-test.slice yes" ]
    [ "$(property TimeoutStopUSec) $(property CollectMode)" = "7s inactive-or-failed" ]
    # The VM's RAM, 48 MiB above the container's limit, and 64 MiB for the VMM.
    [ "$(property MemoryMax)" -eq $(((100 + 48 + 64) << 20)) ]
    [ "$(cat "$scope/memory.max")" -eq $(((100 + 48 + 64) << 20)) ]
    [ "$(property CPUQuotaPerSecUSec) $(property CPUWeight) $(property AllowedCPUs)" = "510ms 59 0" ]
    [ "$(cat "$scope/cpu.max") $(cat "$scope/cpu.weight") $(cat "$scope/cpuset.cpus")" = "25500 50000 59 0" ]
    nacre start box
    # The workload's are its own, exactly.
    [ "$(nacre exec box cat /sys/fs/cgroup/memory.max)" -eq 104857600 ]
    [ "$(nacre exec box cat /sys/fs/cgroup/cpu.max)" = "25500 50000" ]
    [ "$(nacre exec box cat /sys/fs/cgroup/cpu.weight)" = 59 ]
}

@test "VMM, relay and the relays of exec are in the scope, which ends with the container" {
    run_box
    nacre exec --detach box sleep 100 </dev/null >/dev/null 2>&1
    [ "$(nacre ps --format json box | jq length)" -eq 3 ]
    local pid
    for pid in $(nacre ps --format json box | jq '.[]'); do
        [ "$(inside cat "/proc/$pid/cgroup")" = "0::/nacre.slice/nacre-test.slice/nacre-box.scope/container" ]
    done
    [ "$(nacre state box | jq .pid)" -eq "$(cat "$BATS_TEST_TMPDIR/pid")" ]
    nacre pause box
    nacre resume box
    nacre kill box KILL
    wait_until 60 has_property LoadState not-found
    [ ! -e "$scope" ]
    nacre delete box
}

@test "update tells systemd, which keeps the limits through a reload" {
    run_box
    nacre update --cpu-quota 30000 --cpu-share 2048 --memory 64M box
    [ "$(property CPUQuotaPerSecUSec) $(property CPUWeight)" = "300ms 174" ]
    inside systemctl daemon-reload
    [ "$(cat "$scope/cpu.max") $(cat "$scope/cpu.weight")" = "30000 100000 174" ]
    [ "$(property MemoryMax)" = "$(cat "$scope/memory.max")" ]
    [ "$(nacre exec box cat /sys/fs/cgroup/memory.max)" -eq $((64 << 20)) ]
    nacre update --cpu-quota -1 box
    [ "$(property CPUQuotaPerSecUSec) $(cat "$scope/cpu.max")" = "infinity max 100000" ]
}

@test "an OOM kill in the guest counts in the scope, and systemd does not mind" {
    edit_config '.linux.resources.memory = {"limit": 33554432}'
    run_box
    run nacre exec box sh -c 'tail -c 60m /dev/zero'
    [ "$status" -eq 137 ]
    wait_until 60 grep -qx 'oom_kill 1' "$scope/container/memory.events"
    grep -qx 'oom_kill 1' "$scope/memory.events"
    [ ! -e "$scope/oom" ]
    [ "$(nacre state box | jq -r .status) $(property ActiveState)" = "running active" ]
}

@test "systemctl stop is a SIGTERM for the container" {
    new_bundle box sh -c 'trap "echo terminated; exit 7" TERM; echo ready; while :; do sleep 0.1; done'
    edit_config '.linux.cgroupsPath = ":nacre:box"'
    run_box
    wait_until 60 grep -qx ready "$BATS_TEST_TMPDIR/out"
    [ "$(property Slice)" = system.slice ]
    hide_thread_of_kvm system.slice/nacre-box.scope
    inside systemctl stop nacre-box.scope
    wait_until 60 has_status box stopped
    [ "$(nacre state box | jq .exitStatus)" -eq 7 ]
    grep -qx terminated "$BATS_TEST_TMPDIR/out"
    nacre delete box
}

@test "what is killed all at once is cleaned up by delete --force" {
    run_box
    inside sh -c "kill -9 $(nacre ps --format json box | jq -r 'join(" ")')"
    wait_until 60 has_status box stopped
    nacre delete --force box
    has_property LoadState not-found
    # Not even its state is left to go by.
    run_box
    inside truncate -s 0 /run/nacre/box/state.json
    nacre delete --force box
    wait_until 60 has_property LoadState not-found
}

@test "a failed unit of the same name does not hinder, one at work does" {
    inside systemd-run --quiet --scope --unit nacre-box --slice nacre-test.slice \
        --property RuntimeMaxSec=1s sleep 60 || true
    has_property ActiveState failed
    run_box
    has_property ActiveState active
    nacre delete --force box
    inside systemd-run --quiet --scope --unit nacre-box --slice nacre-test.slice sleep 60 3>&- &
    wait_until 60 has_property ActiveState active
    run nacre --systemd-cgroup create --bundle "$bundle" box
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *"cgroup is not empty: 1 process(es) found in "*"nacre-box.scope"* ]]
    [ "$(property ActiveState)" = active ]
    inside systemctl stop nacre-box.scope
}

refused() {
    edit_config "$1"
    run nacre --systemd-cgroup create --bundle "$bundle" box
    echo "$output"
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *"$2"* ]]
    run ! nacre state box
}

@test "what systemd cannot do is one clear line, and leaves nothing" {
    refused '.linux.cgroupsPath = "/a/b"' 'expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"/a/b\" instead'
    refused '.linux.cgroupsPath = "a--b.slice:nacre:box"' 'invalid slice name: a--b.slice'
    refused '.linux.cgroupsPath = "nacre-test.slice:nacre:box" | .annotations = {"org.systemd.property.Bogus": "1"}' \
        'start systemd unit nacre-box.scope: Cannot set property Bogus, or unknown property.'
    refused '.annotations = {"org.systemd.property.KillSignal": "x y"}' 'org.systemd.property.KillSignal=x y value parse error'
}

@test "without systemd there is one clear line" {
    run command nacre --systemd-cgroup create --bundle "$bundle" box
    echo "$output"
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *"systemd not running on this host, cannot use systemd cgroups manager"* ]]
    run ! command nacre state box
}

@test "--cgroup-manager disabled: the processes stay in the caller's cgroup" {
    command nacre --cgroup-manager disabled run --detach --pid-file "$BATS_TEST_TMPDIR/pid" --bundle "$bundle" box \
        </dev/null >/dev/null 2>&1
    cmp /proc/self/cgroup "/proc/$(cat "$BATS_TEST_TMPDIR/pid")/cgroup"
    [ "$(command nacre ps --format json box | jq length)" -eq 2 ]
    command nacre update --cpu-quota 30000 box
    [ "$(command nacre exec box cat /sys/fs/cgroup/cpu.max)" = "30000 100000" ]
    # Without a state to go by, too, nobody else in that cgroup comes to harm.
    truncate -s 0 /run/nacre/box/state.json
    command nacre delete --force box
}
