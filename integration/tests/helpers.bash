# What the integration tests share: bundles, images, nacre with a time limit, and the check that nothing is left behind.
# Every file says `load helpers` and runs in the lab, as root.
# shellcheck shell=bash disable=SC2154 # status and output are set by bats' run

bats_require_minimum_version 1.5.0
# QEMU's software CPU now and then gives a nested guest the wrong registers (lab/README.md), which any test with a VM may meet:
# in the lab one that fails is run once more, and says so.
[ "${NACRE_LAB:-}" != 1 ] || export BATS_TEST_RETRIES=1
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
    use_debian_root "$1"
}

use_debian_root() {
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

# For setup_file: ip makes directories and a mount of its own for them at its first use.
prepare_network_namespaces() {
    modprobe --all veth tun vhost_net
    ip netns add first
    ip netns delete first
}

# network_namespace NAME NUMBER: a namespace with eth0, 10.NUMBER.0.2/24 and fdNUMBER::2/64, whose other end hostNUMBER is this
# machine's, .1 and ::1.
network_namespace() {
    ip netns add "$1"
    ip -n "$1" link set lo up
    add_interface "$1" "$2" eth0
    ip -n "$1" route add default via "10.$2.0.1"
    ip -n "$1" -6 route add default via "fd$2::1"
}

# add_interface NAMESPACE NUMBER INTERFACE
add_interface() {
    ip link add "host$2" type veth peer name "$3" netns "$1"
    ip address add "10.$2.0.1/24" dev "host$2"
    ip -6 address add "fd$2::1/64" dev "host$2" nodad
    ip link set "host$2" up
    ip -n "$1" address add "10.$2.0.2/24" dev "$3"
    ip -n "$1" -6 address add "fd$2::2/64" dev "$3" nodad
    ip -n "$1" link set "$3" up
    wait_until 10 eval "! ip -n $1 -6 address show dev $3 | grep -q tentative"
}

# network_bundle NAMESPACE CMD…: a bundle in the namespace, with this machine's programs.
network_bundle() {
    new_bundle box "${@:2}"
    rm -r "${bundle:?}/rootfs/bin"
    local directory
    for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$bundle/rootfs/$directory"; done
    mkdir "$bundle/rootfs/tests"
    edit_config '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/" + $namespace
        | .mounts += [{destination: "/usr", type: "bind", source: "/usr", options: ["rbind", "ro"]},
            {destination: "/tests", type: "bind", source: $tests, options: ["rbind", "ro"]},
            {destination: "/tmp", type: "bind", source: $shared, options: ["rbind", "rw"]}]
        | .process.capabilities |= map_values(. + ["CAP_NET_RAW"])' \
        --arg namespace "$1" --arg tests "$integration_dir/tests/network" --arg shared "$BATS_TEST_TMPDIR"
}

delete_network_namespaces() {
    ip netns list | cut -d ' ' -f 1 | xargs --no-run-if-empty --max-args 1 ip netns delete
}

# Starts the container of $bundle in the background.
start_box() {
    nacre run --detach --bundle "$bundle" box </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- || {
        cat "$BATS_TEST_TMPDIR/output"
        return 1
    }
}

in_box() {
    nacre exec box "$@"
}

# with_cpus N CMD…: sees a host with N CPUs online; a VM can have as many vCPUs.
with_cpus() {
    echo "0-$(($1 - 1))" >"$BATS_TEST_TMPDIR/online"
    shift
    # shellcheck disable=SC2016 # for the inner shell
    timeout 180 unshare --mount sh -c 'mount --bind "$0" /sys/devices/system/cpu/online && exec "$@"' \
        "$BATS_TEST_TMPDIR/online" "$@"
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

# A service manager's socket at $1; what it is told goes to $BATS_TEST_TMPDIR/told, a line each. Its pid is $manager.
start_manager() {
    cat >"$BATS_TEST_TMPDIR/manager.py" <<'PY'
import os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
while True:
    message, descriptors, _, _ = socket.recv_fds(manager, 4096, 4)
    print(message.decode().strip(), flush=True)
    for descriptor in descriptors:
        os.close(descriptor)
PY
    rm -f "$1"
    timeout 600 python3 "$BATS_TEST_TMPDIR/manager.py" "$1" >"$BATS_TEST_TMPDIR/told" 3>&- &
    # shellcheck disable=SC2034 # for the tests
    manager=$!
    wait_until 60 test -S "$1"
}

container_status() {
    nacre state "$1" | jq -r .status
}

has_status() {
    [ "$(container_status "$1")" = "$2" ]
}

# --- leftovers

# What the test run may have left on the machine, in a form that diff(1) compares.
machine_state() {
    python3 -I -S "$integration_dir/tests/leftovers/machine_state.py" "$BATS_RUN_TMPDIR"
}

remember_machine() {
    [ "${BATS_TEST_TRY_NUMBER:-1}" -eq 1 ] || echo "# second try of: $BATS_TEST_DESCRIPTION" >&3
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
