#!/bin/sh
# measure.sh RUNS PARALLEL (0: none): the measurements, in the lab's exact mode. Prints one line a measurement, read by report.py.
runs=$1
parallel=$2
kernel=$(ls "${PATH%%:*}/../share/nacre/vmlinux")
stopwatch=/bench/stopwatch

measure_nacre() {
    rm -f /tmp/stats
    NACRE_STATS=/tmp/stats $stopwatch run_nacre nacre run --bundle /bench/true "bench$1"
    [ -s /tmp/stats ] && echo "stats $(cat /tmp/stats)"
}

measure_qemu() {
    $stopwatch boot_qemu qemu-system-x86_64 -M microvm,acpi=off -accel kvm -cpu host -smp 1 -m 128M -nodefaults \
        -no-user-config -no-reboot -display none -device isa-debug-exit,iobase=0xf4,iosize=4 \
        -kernel "$kernel" -initrd /bench/init.cpio -append "quiet panic=-1 reboot=t"
}

# measure_running RUNTIME: a further process, and bytes through its standard output, in a container that runs.
measure_running() {
    "$1" create --bundle /bench/idle "running-$1" </dev/null >/dev/null 2>&1 && "$1" start "running-$1" || echo "failed running $1"
    i=0
    while [ "$i" -le "$runs" ]; do
        label=exec_$1
        [ "$i" -eq 0 ] && label=warm_up  # not counted
        $stopwatch "$label" "$1" exec "running-$1" /bin/true
        i=$((i + 1))
    done
    # Here 64 MiB: see report.py.
    $stopwatch "stdout_$1" "$1" exec "running-$1" /bin/dd if=/dev/zero bs=65536 count=1024 status=none
    "$1" delete --force "running-$1"
}

# measure_parallel RUNTIME: that many starts at once, until the last has ended.
measure_parallel() {
    [ "$parallel" -gt 0 ] || return 0
    # shellcheck disable=SC2016 # for the inner shell
    $stopwatch "parallel_$1" sh -c 'for i in $(seq "$1"); do
        { "$0" run --bundle /bench/true "parallel$i" || echo failed >/tmp/parallel; } & done; wait; [ ! -e /tmp/parallel ]' "$1" "$parallel"
}

# Everything resident for one idle container: the processes' proportional shares, guest memory among them.
measure_idle_memory() {
    nacre create --bundle /bench/idle idle </dev/null >/dev/null 2>&1 && nacre start idle || echo "failed idle"
    sleep 5
    for dir in /proc/[0-9]*; do
        name=$(cat "$dir/comm" 2>/dev/null)
        case $name in
        nacre*) echo "pss $name $(awk '/^Pss:/ { print $2 }' "$dir/smaps_rollup")" ;;
        esac
        if [ "$name" = nacre-vmm ]; then sed 's/^/smaps /' "$dir/smaps"; fi
    done
    nacre delete --force idle
}

i=0
# The first round warms caches up and is not counted.
while [ "$i" -le "$runs" ]; do
    [ "$i" -eq 1 ] && echo "counting"
    measure_nacre "$i"
    $stopwatch run_crun crun run --bundle /bench/true "bench$i"
    $stopwatch run_runc runc run --bundle /bench/true "bench$i"
    measure_qemu
    i=$((i + 1))
done
measure_idle_memory
for runtime in nacre crun runc; do
    measure_running "$runtime"
    measure_parallel "$runtime"
done
