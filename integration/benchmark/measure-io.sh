#!/bin/sh
# measure-io.sh: networks and files in a container beside the host's own, in the lab's exact mode. Prints lines of
# "figure COLUMN UNIT VALUE WHAT", read by report_io.py.
# shellcheck disable=SC2016 # shells of containers expand
set -eu
mebibytes=64
address=10.9.0.2
ip=/usr/sbin/ip  # not that of busybox, which its shell would take
export CNI_PATH=/usr/lib/cni CNI_IFNAME=eth0

figure() {
    echo "figure $*"
}

# seconds CMD…: how long it takes.
seconds() {
    STOPWATCH_STDERR=1 /bench/stopwatch took "$@" >/tmp/took 2>/tmp/errors </dev/null
    awk '{ if ($4 != 0) exit 1; printf "%.3f", $3 / 1e9 }' /tmp/took || { cat /tmp/errors >&2; return 1; }
}

# cni COMMAND NAMESPACE: the bridge plugin, as a container engine calls it.
cni() {
    CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 /usr/lib/cni/bridge <<'END'
{"cniVersion": "1.0.0", "name": "bench", "type": "bridge", "bridge": "bench0", "isGateway": true,
 "ipam": {"type": "host-local", "subnet": "10.9.0.0/16", "dataDir": "/tmp/cni"}}
END
}

# pod RUNTIME NUMBER: a container with a network, from nothing to nothing.
pod() {
    "$ip" netns add "pod$2"
    cni ADD "pod$2" >/dev/null
    sed "s/NAMESPACE/pod$2/" /bench/pod/template.json >/bench/pod/config.json
    "$1" run --bundle /bench/pod "pod$2"
    cni DEL "pod$2"
    "$ip" netns delete "pod$2"
}

measure_pods() {
    for round in 1 2 3; do
        for runtime in nacre runc; do
            took=$(seconds sh "$0" pod "$runtime" "$round$runtime")
            [ "$round" -eq 1 ] || figure "$runtime" s "$took" "pod with network (CNI bridge) that runs true"
        done
    done
}

# measure_files COLUMN DIRECTORY [CMD…]: fio and a tree of small files, run by CMD in the directory.
measure_files() {
    column=$1 directory=$2
    shift 2
    fio_figure "sequential write" 48 --rw=write --bs=1M --size=${mebibytes}M --end_fsync=1 "$@"
    fio_figure "sequential read" 7 --rw=read --bs=1M --size=${mebibytes}M "$@"
    fio_figure "random write, 4 KiB" 48 --rw=randwrite --bs=4k --size=${mebibytes}M --io_size=8M --end_fsync=1 "$@"
    fio_figure "random read, 4 KiB" 7 --rw=randread --bs=4k --size=${mebibytes}M --io_size=8M "$@"
    figure "$column" s "$(seconds "$@" tar -xf /bench/tree.tar -C "$directory")" "untar 2,000 files"
    figure "$column" s "$(seconds "$@" git -C "$directory/tree" status --short)" "git status of them"
    figure "$column" s "$(seconds "$@" rm -r "$directory/tree")" "remove them"
}

# fio_figure WHAT FIELD OPTION… CMD…: FIELD of fio's terse output is KiB/s.
fio_figure() {
    what=$1 field=$2
    shift 2
    options=
    while [ "${1#--}" != "${1-}" ]; do
        options="$options $1"
        shift
    done
    # shellcheck disable=SC2086 # a list of words
    speed=$("$@" fio --name=bench --filename="$directory/fio" --ioengine=psync --minimal $options | cut -d ';' -f "$field")
    figure "$column" MiB/s "$(awk "BEGIN { printf \"%.1f\", $speed / 1024 }")" "$what"
}

# measure_network RUNTIME CMD…: CMD runs a program in a container at the address.
measure_network() {
    column=$1
    shift
    "$@" iperf3 --server --daemon
    sleep 1
    iperf_figure "TCP to the container"
    iperf_figure "TCP from the container" --reverse
    figure "$column" ms "$(/usr/bin/ping -c 100 -i 0.01 -q "$address" | sed -n 's|.*= [0-9.]*/\([0-9.]*\)/.*|\1|p')" "round trip (ping)"
}

iperf_figure() {
    what=$1
    shift
    speed=$(iperf3 --client "$address" --bytes 128M --format M "$@" | awk '/receiver/ { print $(NF - 2) }')
    figure "$column" MiB/s "$speed" "$what"
}

# in_container RUNTIME: measures one that runs, with /data shared, and as nacre has it a disk at /disk.
in_container() {
    runtime=$1
    "$ip" netns add io
    cni ADD io >/dev/null
    address=$("$ip" -n io -4 -o address show eth0 | sed 's|.*inet \([0-9.]*\)/.*|\1|')
    "$runtime" create --bundle "/bench/io-$runtime" io </dev/null >/dev/null
    "$runtime" start io
    measure_network "$runtime" "$runtime" exec io
    measure_files "$runtime" /data "$runtime" exec io
    [ "$runtime" != nacre ] || measure_files "nacre, disk" /disk "$runtime" exec io
    "$runtime" delete --force io
    cni DEL io
    "$ip" netns delete io
    rm -rf /bench/data/*
}

if [ "${1-}" = pod ]; then
    pod "$2" "$3"
    exit
fi
modprobe -a bridge veth tun vhost_net sch_ingress cls_matchall act_mirred
mkdir -p /bench/root /run/netns /tmp/cni /data /disk
mount --bind / /bench/root
measure_pods
measure_files host /bench/data env
rm -rf /bench/data/*
in_container runc
in_container nacre
