#!/bin/sh
# measure.sh RUNS: the measurements, in the lab's exact mode. Prints one line a measurement, read by report.py.
runs=$1
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
