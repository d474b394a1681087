#!/usr/bin/env bats
# Files: a Debian root file system behaves in a container as it does on the host. Every test runs the same commands in both
# and compares what they print.
# time-limit: 2400
# memory: 6G
load helpers

setup() {
    id=files-$BATS_TEST_NUMBER
    debian_bundle bundle true
    # What container engines give to root.
    edit_config '.process.capabilities |= map_values(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER",
        "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
        "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"])'
    cp "$BATS_TEST_DIRNAME"/files/* "$bundle/rootfs/opt/"
}

teardown() {
    nacre delete --force "$id"
    unmount_debian_bundles
}

# in_container CMD… prints what CMD prints there; on_host does so in a chroot of an equal tree.
in_container() {
    set_command "$@"
    NACRE_TEST_LIMIT=900 nacre run --bundle "$bundle" "$id" </dev/null 2>&1
}

on_host() {
    local container_bundle=$bundle
    debian_bundle host true
    cp "$BATS_TEST_DIRNAME"/files/* "$bundle/rootfs/opt/"
    mount -t proc proc "$bundle/rootfs/proc"
    mount --bind /dev "$bundle/rootfs/dev"
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        chroot "$bundle/rootfs" "$@" </dev/null 2>&1
    umount "$bundle/rootfs/dev" "$bundle/rootfs/proc"
    bundle=$container_bundle
}

# same_as_on_host CMD…: not empty, and equal.
same_as_on_host() {
    in_container "$@" >"$BATS_TEST_TMPDIR/in-container"
    on_host "$@" >"$BATS_TEST_TMPDIR/on-host"
    [ -s "$BATS_TEST_TMPDIR/on-host" ]
    diff "$BATS_TEST_TMPDIR/on-host" "$BATS_TEST_TMPDIR/in-container"
}

@test "apt-get and dpkg" {
    same_as_on_host sh -c 'apt-get --version && dpkg -l && dpkg --verify apt bash coreutils dpkg libc6 perl-base && echo verified'
}

@test "every file of the tree has the same type, mode, owner, size and link target" {
    same_as_on_host find /usr /etc /var /opt -xdev -printf '%p %y %m %U:%G %n %l ' '(' -type f -printf '%s\n' -o -printf '\n' ')'
}

@test "the contents of a thousand files are the same" {
    same_as_on_host sh -c 'find /usr/lib /usr/bin /etc -xdev -type f | sort | awk "NR % 5 == 0" | head -n 1000 | xargs sha256sum'
}

@test "a C compiler" {
    same_as_on_host sh /opt/compile.sh
}

@test "git clones a repository" {
    same_as_on_host sh /opt/clone.sh
}

@test "sqlite" {
    same_as_on_host sh /opt/database.sh
}

@test "the system calls on files: results and errors" {
    same_as_on_host python3 /opt/system_calls.py root
}

@test "the same as an ordinary user" {
    same_as_on_host python3 /opt/system_calls.py user
}
