# What the integration tests share: bundles, images, nacre with a time limit, and the check that nothing is left behind.
# Every file says `load helpers` and runs in the lab, as root.
# shellcheck shell=bash disable=SC2154 # status and output are set by bats' run

bats_require_minimum_version 1.5.0
integration_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# nacre under a time limit: a hang is a failure with status 124, not a stuck test run.
nacre() {
    timeout --foreground "${NACRE_TEST_LIMIT:-180}" nacre "$@"
}

# new_bundle NAME CMD…: makes a busybox bundle and sets $bundle to it.
new_bundle() {
    bundle=$BATS_TEST_TMPDIR/$1
    shift
    mkdir -p "$bundle"
    "$integration_dir/lib/busybox-bundle" "$bundle" "$@"
}

# edit_config FILTER [JQ-OPTION…]: changes config.json of $bundle with a jq filter.
edit_config() {
    local filter=$1
    shift
    jq "$@" "$filter" <"$bundle/config.json" >"$bundle/config.json.new"
    mv "$bundle/config.json.new" "$bundle/config.json"
}

# set_command CMD…: what $bundle runs.
set_command() {
    local words
    words=$(printf '%s\037' "$@" | jq -Rs 'split("\u001f")[:-1]')
    edit_config '.process.args = $words' --argjson words "$words"
}

# The directory of the images that integration/image/build made.
image_dir() {
    "$integration_dir/image/build"
}

# debian_bundle NAME CMD…: a bundle whose root is an overlay over the Debian tree, as a container engine would make it.
debian_bundle() {
    new_bundle "$@"
    local layer=$BATS_TEST_TMPDIR/layer-$1
    rm -rf "${bundle:?}/rootfs"
    mkdir -p "$bundle/rootfs" "$layer/upper" "$layer/work"
    mount -t overlay -o "lowerdir=$(image_dir)/debian,upperdir=$layer/upper,workdir=$layer/work" debian "$bundle/rootfs"
}

unmount_debian_bundles() {
    local target
    while read -r target; do umount "$target"; done < <(findmnt --noheadings --list --output TARGET --types overlay |
        grep "^$BATS_TEST_TMPDIR/")
}

# wait_until SECONDS CMD…: polls until CMD succeeds; fails after SECONDS.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "still false after the wait: $*" >&2
            return 1
        fi
        sleep 0.1
    done
}

container_status() {
    nacre state "$1" | jq -r .status
}

has_status() {
    [ "$(container_status "$1")" = "$2" ]
}

# --- leftovers

# Everything of the machine that a container run may leave behind: processes, namespaces with their mounts, virtual
# machines, mounts, cgroups, state and temporary files, sockets, keys, network devices. Kernel threads and the test's own
# processes are left out.
machine_state() {
    list_processes
    list_namespaces
    find /sys/kernel/debug/kvm -mindepth 1 -maxdepth 1 -type d -printf 'vm %f\n' 2>/dev/null | sort
    awk 'NF == 8 { print "socket", $8 }' /proc/net/unix | grep -vE "$BATS_RUN_TMPDIR|/docker\.sock$" | sort
    awk '$1 == "0:" { print "keys", $4 }' /proc/key-users
    awk '{ print "mount", $5, $9, $10 }' /proc/self/mountinfo | grep -v " $BATS_RUN_TMPDIR" | sort
    find /sys/fs/cgroup -mindepth 1 -type d -printf 'cgroup %p\n' | sort
    find /run /tmp /dev/shm -path "$BATS_RUN_TMPDIR" -prune -o -path '/run/lab*' -prune -o -path '/run/docker/netns*' -prune -o -path /run/mount -prune -o ! -path /run/nacre -printf 'file %p\n' 2>/dev/null | sort
    find /sys/class/net -mindepth 1 -printf 'net %f\n' | sort
}

# Every namespace that a process is in, and of mount namespaces how many mounts they hold.
list_namespaces() {
    find /proc/[0-9]*/ns -type l -printf 'namespace %l\n' 2>/dev/null | sort -u
    find /proc/[0-9]*/ns -name mnt -printf '%l %h\n' 2>/dev/null | sort -u -k 1,1 | while read -r namespace directory; do
        echo "mounts of $namespace $(wc -l <"${directory%/ns}/mountinfo")"
    done 2>/dev/null
}

list_processes() {
    pgrep --list-full --full 'nacre|containerd-shim|qemu' | cut -d ' ' -f 2- | grep -vE '(^timeout|bats)' | sed 's/^/process /' | sort
}

remember_machine() {
    mkdir -p -m 700 /run/nacre  # the root of all containers stays, as runc's does
    machine_state >"$BATS_TEST_TMPDIR/machine-before"
}

# assert_nothing_left: the machine is as remember_machine saw it, at the latest after 30 s (a VM may still be ending).
assert_nothing_left() {
    local end=$((SECONDS + 30))
    while :; do
        machine_state >"$BATS_TEST_TMPDIR/machine-after"
        diff "$BATS_TEST_TMPDIR/machine-before" "$BATS_TEST_TMPDIR/machine-after" >"$BATS_TEST_TMPDIR/machine-diff" && return
        [ "$SECONDS" -lt "$end" ] || break
        sleep 0.2
    done
    echo "left behind (>) or gone (<):" >&2
    grep '^[<>]' "$BATS_TEST_TMPDIR/machine-diff" >&2
    return 1
}

vmm_pids() {
    pgrep -x nacre-vmm
}

# One line, not empty, no terminal codes: how every refusal must look.
assert_one_clear_line() {
    case $1 in
    '' | *$'\n'* | *$'\e'*)
        printf 'not one clear line: %s\n' "$1" >&2
        return 1
        ;;
    esac
}
