#!/usr/bin/env bats
# ps, pause, resume, kill, events, update: looking at a running container and steering it.
# time-limit: 900
load helpers

# One container serves all tests of the file: a start costs seconds in the lab.
setup_file() {
    export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    remember_machine
    new_bundle bundle sh -c 'trap "echo got-rt1" 35; trap "echo got-usr1" USR1; while :; do sleep 0.2; done'
    nacre run --detach --bundle "$bundle" control </dev/null >"$BATS_FILE_TMPDIR/out" 2>&1
}

teardown_file() {
    BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    nacre delete --force control
    assert_nothing_left
}

# has_error STATUS TEXT CMD…: the command fails with that status and one line that has the text.
has_error() {
    local want=$1 text=$2
    shift 2
    run --separate-stderr "$@"
    [ "$status" -eq "$want" ]
    # shellcheck disable=SC2154 # set by run
    assert_one_clear_line "$stderr"
    if [[ "$stderr" != *"$text"* ]]; then
        echo "not \"$text\": $stderr"
        return 1
    fi
}

@test "ps shows the processes of the container, as a table and as json" {
    run nacre ps control
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" =~ ^UID\ +PID\ +PPID\ +C\ STIME\ TTY\ +TIME\ CMD$ ]]
    [[ "$output" == *"root "*" sh -c trap"* ]]
    # Its child is a shell, too, until it has become sleep.
    [ "$(nacre ps control -o pid,comm | awk '$2 == "sh"' | wc -l)" -ge 1 ]
    run nacre ps --format json control
    [ "$status" -eq 0 ]
    # The host's pids, for callers that look them up there: the relay, which the state names, and the VMM.
    pid=$(nacre state control | jq .pid)
    [ "$(nacre ps -f json control | jq --argjson pid "$pid" 'length >= 2 and (index($pid) != null)')" = true ]
    nacre exec --detach control sleep 77 </dev/null >/dev/null 2>&1
    [[ "$(nacre ps control)" == *"sleep 77"* ]]
    [[ "$(nacre ps control)" != *nacre-agent* ]]
}

@test "ps refuses what it cannot do" {
    has_error 1 'invalid format option' nacre ps --format xml control
    has_error 1 "couldn't find PID field in ps output" nacre ps control -o comm
    has_error 1 'is not supported' nacre ps control aux
    has_error 1 'container does not exist' nacre ps nosuch
}

# The CPU time of the container's processes, as its host sees it.
host_cpu_usec() {
    awk '$1 == "usage_usec" { print $2 }' /sys/fs/cgroup/control/cpu.stat
}

# The VM's share of one CPU in a second, in percent.
host_load() {
    local before
    before=$(host_cpu_usec)
    sleep 1
    echo $((($(host_cpu_usec) - before) / 10000))
}

@test "a paused container uses no CPU, and goes on where it was" {
    nacre exec --detach control sh -c 'i=0; while :; do i=$((i+1)); done' </dev/null >/dev/null 2>&1
    [ "$(host_load)" -gt 50 ]
    nacre pause control
    [ "$(container_status control)" = paused ]
    load=$(host_load)
    echo "load of the paused container: $load %"
    [ "$load" -lt 25 ]
    [[ "$(nacre ps control)" == *"i=0; while"* ]]
    has_error 1 'container not running or created: paused' nacre pause control
    has_error 255 'cannot exec in a paused container (use --ignore-paused to override)' nacre exec control true
    nacre kill control USR1
    sleep 1
    run ! grep got-usr1 "$BATS_FILE_TMPDIR/out"
    nacre resume control
    [ "$(container_status control)" = running ]
    wait_until 60 grep got-usr1 "$BATS_FILE_TMPDIR/out"
    [ "$(host_load)" -gt 50 ]
    has_error 1 'container not paused' nacre resume control
    has_error 1 'container does not exist' nacre pause nosuch
    nacre exec control sh -c 'for p in /proc/[0-9]*; do if grep -q "i=0; while" $p/cmdline 2>/dev/null; then kill -9 ${p#/proc/}; fi; done' || true
}

@test "signals by number, name and real-time name; refusals in runc's words" {
    nacre kill control 0
    nacre kill control RTMIN+1
    wait_until 60 grep got-rt1 "$BATS_FILE_TMPDIR/out"
    nacre kill control SIGUSR1
    nacre kill control 10
    wait_until 60 grep got-usr1 "$BATS_FILE_TMPDIR/out"
    has_error 1 'unknown signal \"FOO\"' nacre kill control FOO
    has_error 1 'unable to signal init: Invalid argument' nacre kill control 99
    has_error 1 'container does not exist' nacre kill nosuch
}

@test "kill --all reaches every process" {
    nacre exec --detach control sh -c 'trap "echo exec-got-it; exit" USR1; while :; do sleep 0.1; done' \
        </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
    sleep 1
    nacre kill --all control USR1
    wait_until 60 grep exec-got-it "$BATS_TEST_TMPDIR/out"
    has_status control running
}

guest_limit() {
    nacre exec control cat "/sys/fs/cgroup/$1"
}

@test "update changes limits in the guest, one by one, and the host's cgroup follows" {
    nacre update --pids-limit 50 control
    [ "$(guest_limit pids.max)" = 50 ]
    nacre update --memory 100M --cpu-quota 40000 control
    [ "$(guest_limit memory.max)" -eq $((100 << 20)) ]
    [ "$(guest_limit cpu.max)" = "40000 100000" ]
    [ "$(cat /sys/fs/cgroup/control/cpu.max)" = "40000 100000" ]
    # The quota stays, since only its period is named.
    echo '{"cpu": {"period": 50000, "shares": 512}, "blockIO": {"weight": 500}, "unknown": 1}' |
        nacre update --resources - control
    [ "$(guest_limit cpu.max)" = "40000 50000" ]
    [ "$(guest_limit pids.max)" = 50 ]
    [[ "$(cat /sys/fs/cgroup/control/io.weight)" == "default 4950"* ]]
    [ "$(guest_limit io.weight)" = "default 4950" ]
    nacre update --memory -1 --memory-swap -1 --cpu-quota -1 --pids-limit -1 control
    [ "$(guest_limit memory.max)" = max ]
    [ "$(guest_limit cpu.max)" = "max 50000" ]
    [ "$(guest_limit pids.max)" = max ]
}

@test "update: a limit outdoes what the unified map said before, and no limit of memory is none of swap" {
    echo '{"unified": {"cpu.max": "30000 100000", "pids.max": "60"}}' | nacre update --resources - control
    [ "$(guest_limit cpu.max)" = "30000 100000" ]
    nacre update --cpu-quota 70000 --cpu-period 100000 control
    [ "$(guest_limit cpu.max)" = "70000 100000" ]
    [ "$(guest_limit pids.max)" = 60 ]
    nacre update --memory 80M --memory-swap 120M --pids-limit -1 control
    [ "$(guest_limit pids.max)" = max ]
    nacre update --memory 150M control
    [ "$(guest_limit memory.max)" -eq $((150 << 20)) ]
    [ "$(guest_limit memory.swap.max)" -eq $((40 << 20)) ]
    nacre update --memory -1 control
    [ "$(guest_limit memory.max)" = max ]
    [ "$(guest_limit memory.swap.max)" = max ]
    nacre update --cpu-quota -1 --cpu-period 50000 control
}

@test "update refuses what is no limit, and changes nothing" {
    has_error 1 "invalid value for memory: invalid size: '100x'" nacre update --memory 100x control
    has_error 1 'invalid value for cpu-quota' nacre update --cpu-quota x control
    has_error 1 'memory+swap limit should be >= memory limit' nacre update --memory 100M --memory-swap 50M control
    has_error 1 'Intel RDT/CAT' nacre update --l3-cache-schema x control
    has_error 1 'No such file or directory' nacre update --resources /nosuch control
    has_error 1 'must be' nacre update --resources <(echo '{"memory":{"limit":"x"}}') control
    has_error 1 'not valid JSON' nacre update --resources <(echo nonsense) control
    has_error 1 'Invalid argument' nacre update --cpu-quota 5 control
    has_error 1 'container does not exist' nacre update --memory 1g nosuch
    [ "$(guest_limit memory.max)" = max ]
    [ "$(guest_limit cpu.max)" = "max 50000" ]
}

@test "events --stats is one line in runc's form, with the guest's figures" {
    nacre update --pids-limit 40 --memory 100M control
    nacre exec control sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done'
    run nacre events --stats control
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1 ]
    echo "$output"
    jq -e '.type == "stats" and .id == "control" and
        .data.cpu.usage.total >= .data.cpu.usage.user and .data.cpu.usage.total > 100000000 and
        .data.memory.usage.limit == 104857600 and .data.memory.usage.usage > 100000 and
        .data.memory.raw.anon > 10000 and .data.pids.limit == 40 and .data.pids.current >= 1 and
        .data.cpuset.cpu_exclusive == 0 and .data.network_interfaces == null' <<<"$output"
    [ "$(jq -r '.data | keys_unsorted | join(" ")' <<<"$output")" = \
        "cpu cpuset memory pids blkio hugetlb intel_rdt network_interfaces" ]
    has_error 1 'duration interval must be greater than 0' nacre events --interval 0s control
    has_error 1 'invalid value \"x\" for flag -interval: parse error' nacre events --interval x control
    has_error 1 'container does not exist' nacre events nosuch
}

@test "events streams figures, tells of a process killed for want of memory, and ends with the container" {
    new_bundle other sh -c 'while :; do sleep 0.2; done'
    edit_config '.linux.resources.memory = {"limit": 33554432}'
    nacre run --detach --bundle "$bundle" other </dev/null >/dev/null 2>&1
    [ "$(nacre exec other cat /sys/fs/cgroup/memory.max)" -eq 33554432 ]
    command nacre events --interval 500ms other >"$BATS_TEST_TMPDIR/events" 3>&- &
    stream=$!
    wait_until 60 grep -q stats "$BATS_TEST_TMPDIR/events"
    run ! grep -q oom "$BATS_TEST_TMPDIR/events"
    run nacre exec other sh -c 'tail -c 60m /dev/zero'
    [ "$status" -eq 137 ]
    wait_until 60 grep -qx '{"type":"oom","id":"other"}' "$BATS_TEST_TMPDIR/events"
    wait_until 60 grep -qx 'oom_kill 1' /sys/fs/cgroup/other/memory.events
    [ ! -e /sys/fs/cgroup/other.oom ]
    nacre kill other KILL
    wait_until 60 has_status other stopped
    wait_until 60 eval '! kill -0 '"$stream"
    wait "$stream"
    jq -e . "$BATS_TEST_TMPDIR/events" >/dev/null
    has_error 1 'container with id other is not running' nacre events --stats other
    nacre delete other
}

@test "an init that dies for want of memory is an oom event too" {
    new_bundle other sh -c 'sleep 5; exec tail -c 60m /dev/zero'
    edit_config '.linux.resources.memory = {"limit": 33554432}'
    nacre run --detach --bundle "$bundle" other </dev/null >/dev/null 2>&1
    timeout 60 nacre events --interval 1h other >"$BATS_TEST_TMPDIR/events" 3>&-
    [ "$(sort -u "$BATS_TEST_TMPDIR/events")" = '{"type":"oom","id":"other"}' ]
    wait_until 60 has_status other stopped
    [ "$(nacre state other | jq .exitStatus)" -eq 137 ]
    nacre delete other
}

@test "a paused container is killed by SIGKILL, and deleted by force" {
    new_bundle other sleep 1000
    nacre run --detach --bundle "$bundle" other </dev/null >/dev/null 2>&1
    nacre pause other
    nacre kill other KILL
    wait_until 60 has_status other stopped
    [ "$(nacre ps -f json other)" = null ]
    has_error 1 'container not running' nacre kill other TERM
    nacre kill --all other 9
    has_error 1 'container not running' nacre pause other
    nacre delete other
    nacre create --bundle "$bundle" other </dev/null >/dev/null 2>&1
    nacre pause other
    [ "$(container_status other)" = paused ]
    nacre resume other
    [ "$(container_status other)" = created ]
    nacre pause other
    nacre delete --force other
}
