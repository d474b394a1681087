#!/usr/bin/env bats
# Security settings of a configuration, seen from within a container; hooks; what is refused.
# shellcheck disable=SC2154,SC2016 # set by run and helpers; jq and shells of containers expand
# time-limit: 900
load helpers

setup() {
    remember_machine
}

teardown() {
    nacre delete --force spec >/dev/null 2>&1 || true
    ! mountpoint --quiet "$BATS_TEST_TMPDIR/mapped" || umount "$BATS_TEST_TMPDIR/mapped"
}

# mount_ext4 PLACE: a file system whose mounts can map ids, also on kernels where tmpfs and overlay cannot.
mount_ext4() {
    mkdir "$1"
    truncate --size 4M "$1.img"
    mkfs.ext4 -q "$1.img"
    modprobe loop
    mount -o loop "$1.img" "$1"
}

# in_container SCRIPT: what a shell in $bundle prints.
in_container() {
    set_command sh -c "$1"
    run nacre run --bundle "$bundle" spec
}

@test "devices: only what the rules allow can be opened" {
    new_bundle bundle true
    edit_config '.process.capabilities |= with_entries(.value = ["CAP_MKNOD", "CAP_SYS_ADMIN"])
        | .root.readonly = false
        | .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 10, minor: 229, access: "rw"}]'
    in_container 'cd /tmp; mknod fuse c 10 229; mknod loop c 10 237; true <>fuse && echo fuse; true <>loop && echo loop
        head -c 3 /dev/zero | wc -c; echo x >/dev/null && echo null'
    [ "$status" -eq 0 ]
    [[ "$output" == *fuse* && "$output" == *3* && "$output" == *null* ]]
    [[ "$output" == *"loop: Operation not permitted"* ]]
    assert_nothing_left
}

@test "process: capabilities, no_new_privs, limits, groups, umask, nice, personality, oom score" {
    new_bundle bundle true
    edit_config '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"], permitted: ["CAP_KILL"],
            effective: ["CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}
        | .process.user = {uid: 1000, gid: 1001, additionalGids: [7], umask: 63}
        | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}]
        | .process.oomScoreAdj = 77
        | .process.scheduler = {policy: "SCHED_BATCH", nice: 5}
        | .linux.personality = {domain: "LINUX32"}'
    in_container 'id -u; id -G; umask; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; uname -m; cut -d " " -f 19 /proc/self/stat
        grep -E "^Cap|NoNewPrivs" /proc/self/status'
    [ "$status" -eq 0 ]
    echo "$output"
    [ "${lines[*]:0:8}" = "1000 1001 7 0077 100 200 77 i686 5" ]
    [[ "$output" == *CapInh:*0000000000000020* && "$output" == *CapBnd:*0000000000000021* ]]
    [[ "$output" == *CapAmb:*0000000000000020* && "$output" == *NoNewPrivs:*1* ]]
}

@test "seccomp: numbers, arguments, the order of calls, and a filter older than this kernel" {
    new_bundle bundle true
    edit_config '.process.noNewPrivileges = false | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], flags: ["SECCOMP_FILTER_FLAG_LOG"],
        syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95},
                   {names: ["faccessat2", "no_such_call"], action: "SCMP_ACT_ERRNO"},
                   {names: ["kill"], action: "SCMP_ACT_ERRNO", errnoRet: 33, args: [{index: 1, value: 10, op: "SCMP_CMP_EQ"}]}]}'
    in_container 'mkdir /tmp/x; kill -USR1 $$; kill -0 $$ && echo zero; grep Seccomp: /proc/self/status'
    [[ "$output" == *"not supported"* && "$output" == *"out of domain"* && "$output" == *zero* ]]
    [[ "$output" == *Seccomp:*2* ]]
}

@test "paths, mounts, names, sysctls and clocks" {
    new_bundle bundle true
    mkdir -p "$BATS_TEST_TMPDIR/volume/sub"
    edit_config '.linux.maskedPaths = ["/proc/version", "/sys/kernel", "/sys/fs", "/sys/kernel"] | .linux.readonlyPaths = ["/proc/sys"]
        | .hostname = "here" | .domainname = "there.example" | .linux.sysctl = {"kernel.msgmax": "4242"}
        | .linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000}}
        | .mounts += [{destination: "/ro", type: "bind", source: $v, options: ["rbind", "rro", "noexec"]},
                      {destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["size=64k", "nosuid", "nosymfollow"]}]' \
        --arg v "$BATS_TEST_TMPDIR/volume"
    in_container 'wc -c </proc/version; ls /sys/kernel | wc -l; echo 1 >/proc/sys/kernel/msgmax; cat /proc/sys/kernel/msgmax
        hostname; cat /proc/sys/kernel/domainname; cut -d . -f 1 /proc/uptime
        echo "masked $(grep -c " /sys/kernel " /proc/self/mountinfo) $(stat -c %d /sys/kernel /sys/fs | uniq | wc -l)"
        touch /ro/sub/x; dd if=/dev/zero of=/mnt/x bs=1k count=128 2>&1; grep -E " /(ro|mnt) " /proc/self/mountinfo'
    echo "$output"
    [ "${lines[0]}" = 0 ]
    [ "${lines[1]}" = 0 ]
    [[ "$output" == *$'4242\nhere\nthere.example\n100'* ]]
    [[ "$output" == *"masked 1 1"* ]]
    [[ "$output" == *"/ro/sub/x: Read-only file system"* && "$output" == *"No space left on device"* ]]
    [[ "$output" == *" /ro ro,"*noexec* && "$output" == */mnt*nosymfollow* ]]
}

@test "a bind mount sees what the mounts before it made, and ro is for the topmost mount alone" {
    new_bundle bundle true
    local volume=$BATS_TEST_TMPDIR/volume
    mkdir -p "$volume/plain" "$volume/mounted"
    mount -t tmpfs tmpfs "$volume/mounted"
    mkdir "$volume/mounted/inner"
    edit_config '.mounts += [{destination: ($b + "/rootfs/mnt"), type: "tmpfs", source: "tmpfs"},
            {destination: "/mnt/x", type: "bind", source: $v, options: ["rbind"]},
            {destination: "/final", type: "bind", source: ($b + "/rootfs/mnt"), options: ["rbind", "ro"]},
            {destination: "/data", type: "bind", source: $v, options: ["rbind", "ro"]}]' \
        --arg b "$bundle" --arg v "$volume"
    in_container 'cd /data; touch one 2>/dev/null || touch plain/one 2>/dev/null || echo top; touch mounted/one mounted/inner/two && echo below
        cd /final; touch one 2>/dev/null || echo top; touch x/three x/mounted/four && echo below; stat -f -c %T /final'
    umount "$volume/mounted"
    echo "$output"
    [ "$(echo "$output" | xargs)" = "top below top below tmpfs" ]
    [ -e "$volume/three" ]
    assert_nothing_left
}

@test "a user namespace without a cgroup namespace sees the groups of the VM, and cannot change them" {
    new_bundle bundle true
    edit_config '.linux.namespaces += [{type: "user"}] | .linux.namespaces |= map(select(.type != "cgroup"))
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
        | (.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
    in_container 'cat /sys/fs/cgroup/cgroup.procs >/dev/null && echo seen; mkdir /sys/fs/cgroup/own 2>/dev/null || echo kept'
    [ "$(echo "$output" | xargs)" = "seen kept" ]
}

@test "an overlay of host directories, as podman makes of a volume with O: written above, never below" {
    new_bundle bundle true
    local base=$BATS_TEST_TMPDIR/overlay
    mkdir -p "$base"/{lower,upper,work}
    echo below >"$base/lower/file"
    edit_config '.mounts += [{destination: "/data", type: "overlay", source: "overlay",
        options: ["lowerdir=\($b)/lower", "upperdir=\($b)/upper", "workdir=\($b)/work", "private", "nosuid"]}]' --arg b "$base"
    in_container 'cat /data/file; echo above >/data/file; echo new >/data/new; cat /data/file'
    echo "$output"
    [ "$(echo "$output" | head -n 2 | xargs)" = "below above" ]
    [ "$(cat "$base/lower/file" "$base/upper/file" "$base/upper/new" | xargs)" = "below above new" ]
    edit_config '(.mounts[] | select(.type == "overlay") | .options) = ["lowerdir=/nowhere/at/all"]'
    in_container true
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *"/mounts/"*"overlay of lowerdir=/nowhere/at/all"* ]]
}

@test "a user namespace: its ids, its root's rights, and what it does not own" {
    new_bundle bundle true
    mkdir -m 777 "$BATS_TEST_TMPDIR/volume"
    mount_ext4 "$BATS_TEST_TMPDIR/mapped"
    edit_config '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
        | .process.capabilities |= with_entries(.value = ["CAP_SYS_ADMIN", "CAP_CHOWN", "CAP_SETUID", "CAP_SETGID"])
        | (.linux.namespaces += [{type: "cgroup"}] | .linux.namespaces |= unique)
        | (.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]
        | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 1000000}] | .process.oomScoreAdj = -50
        | .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}, {destination: "/var", type: "bind", source: $v, options: ["bind"]},
                      {destination: "/root", type: "bind", source: $m, options: ["bind", "idmap"]}]' \
        --arg v "$BATS_TEST_TMPDIR/volume" --arg m "$BATS_TEST_TMPDIR/mapped"
    in_container 'id -u; xargs </proc/self/uid_map; stat -c %u / /dev/pts/ptmx /tmp; hostname new && hostname
        mount -t tmpfs none /tmp && echo mounted; touch /var/mine; chown 5 /var/mine; ulimit -Hn; cat /proc/self/oom_score_adj
        echo lines >/dev/stderr; echo null >/dev/null && echo null; ls /sys/kernel >/dev/null && echo sys
        touch /proc/sys/kernel/panic 2>/dev/null || echo own
        touch /root/mine; chown 5 /root/mine; stat -c %u /root
        mkdir /sys/fs/cgroup/own && echo group'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | xargs)" = "0 0 100000 65536 65534 0 0 new mounted 1000000 -50 lines null sys own 0 group" ]
    [ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/volume/mine")" = 100005:100000 ]
    [ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/mapped/mine")" = 5:0 ]
    set_command sleep 100
    nacre run --detach --bundle "$bundle" spec 3>&- >/dev/null </dev/null
    run nacre exec --user 7:8 spec sh -c 'id -u; id -g; cat /proc/self/gid_map | xargs'
    [ "${lines[*]}" = "7 8 0 100000 65536" ]
}

@test "all six hooks run once, in order, where they belong, with the state" {
    new_bundle bundle true
    local place=$BATS_TEST_TMPDIR/hooks
    edit_config '.root.readonly = false
        | .process.args = ["sh", "-c", "jq=$(cat /inside); echo \"$jq\"; sleep 1"] | .process.env += ["INSIDE=in"]
        | .hooks = {
            prestart: [{path: "/bin/sh", args: ["sh", "-c", "(echo prestart $OUTSIDE; cat; echo) >>" + $p]}],
            createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "(echo createRuntime; cat; echo) >>" + $p]}],
            createContainer: [{path: "/bin/sh", args: ["sh", "-c", "(echo createContainer; hostname; cat; echo) >>/inside"]}],
            startContainer: [{path: "/bin/sh", args: ["sh", "-c", "(echo startContainer $INSIDE; cat; echo) >>/inside"]}],
            poststart: [{path: "/bin/sh", args: ["sh", "-c", "(echo poststart; cat; echo) >>" + $p]}],
            poststop: [{path: "/bin/false"}, {path: "/bin/sh", args: ["sh", "-c", "(echo poststop; cat; echo) >>" + $p]}]}' \
        --arg p "$place"
    OUTSIDE=out run nacre run --bundle "$bundle" spec
    [ "$status" -eq 0 ]
    [ "$(grep -vc '^{' "$place")" -eq 4 ]
    [ "$(grep -v '^{' "$place" | xargs)" = "prestart out createRuntime poststart poststop" ]
    [ "$(grep '^{' "$place" | jq -r .status | xargs)" = "creating creating running stopped" ]
    [ "$(echo "$output" | grep -vE '^({|time)' | xargs)" = "createContainer nacre startContainer in" ]
    [ "$(echo "$output" | grep '^{' | jq -r .status | xargs)" = "creating created" ]
    [[ "$output" == *"level=warning"*"poststop hook"* ]]
}

@test "a hook in the container that fails or takes too long stops it" {
    new_bundle bundle sleep 100
    edit_config '.hooks.startContainer = [{path: "/bin/sleep", args: ["sleep", "60"], timeout: 1}]'
    run nacre run --bundle "$bundle" spec
    [ "$status" -eq 1 ]
    [[ "$output" == *"error running startContainer hook #0: /bin/sleep: did not end within its timeout of 1 s"* ]]
    edit_config '.hooks = {createContainer: [{path: "/bin/false"}]}'
    run nacre create --bundle "$bundle" spec
    [ "$status" -eq 1 ]
    [[ "$output" == *"error running createContainer hook #0: /bin/false: exit status 1"* ]]
    assert_nothing_left
}

@test "a startContainer hook is held to the container's filter, which need not allow what it takes to run hooks" {
    local unprivileged
    for unprivileged in true false; do
        new_bundle "$unprivileged" true
        edit_config '.root.readonly = false | .process.noNewPrivileges = $unprivileged
            | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
                {names: ["mkdir", "mkdirat", "memfd_create", "pidfd_open", "poll"], action: "SCMP_ACT_ERRNO", errnoRet: 95}]}
            | .hooks = {createContainer: [{path: "/bin/mkdir", args: ["mkdir", "/made"]}],
                startContainer: [{path: "/bin/mkdir", args: ["mkdir", "/made/below"]}]}' --argjson unprivileged "$unprivileged"
        run nacre run --bundle "$bundle" spec
        echo "$output"
        [ "$status" -eq 1 ]
        [[ "$output" == *"error running startContainer hook #0: /bin/mkdir: exit status 1: mkdir: "*"/made/below"*"not supported"* ]]
        assert_nothing_left
    done
}

@test "delete --force does not wait for a hook in the container that does not end" {
    new_bundle bundle sleep 100
    edit_config '.hooks.startContainer = [{path: "/bin/sleep", args: ["sleep", "1000"]}]'
    nacre create --bundle "$bundle" spec </dev/null >/dev/null 2>&1 3>&-
    nacre start spec >"$BATS_TEST_TMPDIR/start" 2>&1 3>&- &
    local start=$!
    wait_until 20 eval 'nacre ps spec | grep -q "sleep 1000"'
    SECONDS=0
    nacre delete --force spec
    [ "$SECONDS" -lt 20 ]
    code=0
    wait "$start" || code=$?
    [ "$code" -ne 0 ]
    assert_one_clear_line "$(cat "$BATS_TEST_TMPDIR/start")"
    assert_nothing_left
}

@test "a hook of start that fails ends the container and deletes it, with the poststop hooks" {
    new_bundle bundle sleep 100
    local hooks
    for hooks in '{poststart: [{path: "/bin/false"}]}' '{startContainer: [{path: "/bin/false"}]}'; do
        edit_config ".hooks = $hooks"' | .hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "echo gone >" + $p]}]' \
            --arg p "$BATS_TEST_TMPDIR/poststop"
        nacre create --bundle "$bundle" spec </dev/null >/dev/null 2>&1 3>&-
        run nacre start spec
        echo "$output"
        [ "$status" -eq 1 ]
        [[ "$output" == *"error running "*" hook #0: /bin/false: exit status 1"* ]]
        [ "$(cat "$BATS_TEST_TMPDIR/poststop")" = gone ]
        rm "$BATS_TEST_TMPDIR/poststop"
        run nacre state spec
        [ "$status" -eq 1 ]
    done
    assert_nothing_left
}

@test "what cannot be enforced is refused with its place, before anything is made" {
    new_bundle bundle true
    cp "$bundle/config.json" "$BATS_TEST_TMPDIR/good.json"
    while IFS='|' read -r place change; do
        jq "$change" "$BATS_TEST_TMPDIR/good.json" >"$bundle/config.json"
        run nacre create --bundle "$bundle" spec </dev/null 3>&-
        echo "$place: $output"
        [ "$status" -eq 1 ]
        assert_one_clear_line "$output"
        [[ "$output" == *"$place"* ]]
    done <<CASES
$(refused_changes)
CASES
    assert_nothing_left
}

# PLACE|CHANGE lines. Of the security modules only those that this host has not are refused.
refused_changes() {
    grep -qs Y /sys/module/apparmor/parameters/enabled || echo 'apparmor|.process.apparmorProfile = "x"'
    cat <<'CASES'
/linux/resources/cpu/realtimeRuntime|.linux.resources.cpu.realtimeRuntime = 1000
/linux/resources/memory/swappiness|.linux.resources.memory.swappiness = 10
/linux/resources/network|.linux.resources.network.classID = 1
/linux/resources/rdma|.linux.resources.rdma = {mlx5_0: {hcaHandles: 1}}
/linux/intelRdt|.linux.intelRdt = {closID: "x"}
/linux/seccomp/defaultAction|.linux.seccomp = {defaultAction: "SCMP_ACT_NOTIFY"}
/linux/uidMappings|.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 1000, size: 0}] | .linux.gidMappings = .linux.uidMappings
/linux/namespaces|.linux.namespaces |= map(if .type == "ipc" then .path = "/proc/self/ns/uts" else . end)
/mounts/7|.mounts[7] = {destination: "/x", type: "bind", source: "/", options: ["bind", "idmap"]}
selinux|.linux.mountLabel = "system_u:object_r:x_t:s0"
CASES
}
