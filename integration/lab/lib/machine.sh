# The machine itself: QEMU's software CPU with AMD-V, virtiofsd for the files, FIFOs for the command's streams.
# shellcheck shell=bash disable=SC2154

{ exec 3<&0; } 2>/dev/null || exec 3</dev/null # lab/run's stdin, for the command (background jobs lose fd 0)

children=()
terminal_settings=

make_run_dir() {
    run_dir=$(mktemp -d "${TMPDIR:-/tmp}/nacre-lab.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    mkfifo "$run_dir"/{stdin,stdout,stderr,status}
}

clean_up() {
    local status=$?
    trap '' INT TERM HUP
    if [ ${#children[@]} -gt 0 ]; then
        kill -KILL "${children[@]}" 2>/dev/null || true
        wait "${children[@]}" 2>/dev/null || true
    fi
    if [ -n "$terminal_settings" ]; then stty "$terminal_settings" <&3; fi
    rm -rf "$run_dir"
    exit "$status"
}

# Starts a child that dies with this script, whatever ends it.
spawn() {
    setpriv --pdeathsig KILL -- "$@" &
    children+=($!)
}

start_machine() {
    local devices=() index=0 directory
    if [ "$lab_exact" = no ]; then
        start_file_server root / always
        add_file_share root
        for directory in "${lab_shares[@]}"; do
            start_file_server "share$index" "$directory" auto
            add_file_share "share$index"
            index=$((index + 1))
        done
    fi
    add_streams
    : >"$run_dir/console"
    if [ "$lab_verbose" = yes ]; then spawn tail -f -n +1 "$run_dir/console" >&2; fi
    if [ "$lab_tty" = yes ]; then run_on_terminal; else run_with_streams; fi
    head -n 1 <"$run_dir/status" >"$run_dir/result" &
    status_reader=$!
    children+=("$status_reader")
}

start_file_server() {
    spawn /usr/lib/qemu/virtiofsd --socket-path="$run_dir/$1.socket" --thread-pool-size=4 \
        -o "source=$2,cache=$3,xattr,sandbox=chroot" >>"$run_dir/virtiofsd.log" 2>&1
    wait_for_socket "$run_dir/$1.socket"
}

wait_for_socket() {
    local tries=0
    until [ -S "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 500 ] || { cat "$run_dir/virtiofsd.log" >&2; fail "virtiofsd did not start"; }
        sleep 0.02
    done
}

add_file_share() {
    devices+=(-chardev "socket,id=$1,path=$run_dir/$1.socket" -device "vhost-user-fs-pci,chardev=$1,tag=$1")
}

# One virtio-serial port a stream. Port names are what the guest looks for in sysfs.
add_streams() {
    devices+=(-device virtio-serial-pci)
    if [ "$lab_tty" = yes ]; then
        devices+=(-chardev "stdio,id=terminal,signal=off" -device "virtconsole,chardev=terminal")
    else
        devices+=(-chardev "stdio,id=stdin,signal=off" -device "virtserialport,chardev=stdin,name=stdin")
        add_output_port stdout
        add_output_port stderr
    fi
    add_output_port status
}

add_output_port() {
    devices+=(-chardev "file,id=$1,path=$run_dir/$1" -device "virtserialport,chardev=$1,name=$1")
}

# Every FIFO has its other end opened before QEMU opens its own, so that nothing waits for a QEMU that never came up.
# QEMU inherits the writing ends, so its death is an end of file for the readers.
run_with_streams() {
    cat <"$run_dir/stdout" &
    stdout_reader=$!
    cat <"$run_dir/stderr" >&2 &
    stderr_reader=$!
    cat <&3 >"$run_dir/stdin" 2>/dev/null &
    children+=("$stdout_reader" "$stderr_reader" "$!")
    qemu <"$run_dir/stdin" 3<&- 4>"$run_dir/stdout" 5>"$run_dir/stderr" 6>"$run_dir/status" >>"$run_dir/qemu.log" 2>&1 &
    children+=("$!")
}

run_on_terminal() {
    stdout_reader=none stderr_reader=none
    terminal_settings=$(stty -g <&3)
    qemu <&3 3<&- 6>"$run_dir/status" 2>>"$run_dir/qemu.log" &
    children+=("$!")
}

qemu() {
    # Not thread=multi: with two CPUs in threads of their own, QEMU 7.2 mixes up the states of the lab and of its guest.
    local clock=(-accel "tcg,thread=single" -smp "$lab_cpus") verbosity="quiet loglevel=4"
    if [ "$lab_exact" = yes ]; then clock=(-accel "tcg,thread=single" -icount "shift=1,sleep=off" -smp 1); fi
    if [ "$lab_verbose" = yes ]; then verbosity="loglevel=7"; fi
    exec setpriv --pdeathsig KILL -- qemu-system-x86_64 \
        -name nacre-lab -M "q35,memory-backend=ram" "${clock[@]}" -cpu "max,+svm,-xsave" \
        -m "$lab_memory" -object "memory-backend-memfd,id=ram,size=$lab_memory,share=on" \
        -nodefaults -no-user-config -no-reboot -display none \
        -kernel "$lab_kernel" -initrd "$run_dir/initramfs.cpio" \
        -append "console=ttyS0 $verbosity panic=-1 reboot=t random.trust_cpu=on mitigations=off" \
        -chardev "file,id=console,path=$run_dir/console" -serial chardev:console \
        -device virtio-rng-pci "${devices[@]}"
}

wait_for_command() {
    local timer ended=none watched=("$status_reader")
    sleep "$lab_timeout" &
    timer=$!
    children+=("$timer")
    if [ "$stdout_reader" != none ]; then watched+=("$stdout_reader"); fi
    wait -n -p ended "${watched[@]}" "$timer" || true
    case $ended in
    "$timer")
        echo "lab: time limit of $lab_timeout s reached" >&2
        exit 124
        ;;
    "$stdout_reader") sleep 0.2 ;; # either nobody reads stdout any more, or QEMU ended and the status follows
    esac
    pass_on_status "$ended"
}

# The guest reports "STATUS BYTES_ON_STDOUT BYTES_ON_STDERR"; only when that many bytes have come through is all said.
pass_on_status() {
    local status="" stdout_bytes stderr_bytes
    read -r status stdout_bytes stderr_bytes <"$run_dir/result" || true
    if [ -z "$status" ]; then
        if [ "$1" = "$stdout_reader" ] && kill -0 "$status_reader" 2>/dev/null; then exit 141; fi
        report_failure
    fi
    wait_for_bytes "$stdout_reader" "$stdout_bytes"
    wait_for_bytes "$stderr_reader" "$stderr_bytes"
    exit "$status"
}

wait_for_bytes() {
    local written
    while written=$(sed -n 's/^wchar: //p' "/proc/$1/io" 2>/dev/null) && [ -n "$written" ] && [ "$written" -lt "$2" ]; do
        sleep 0.02
    done
}

report_failure() {
    {
        echo "lab: the machine ended before the command did; its last words:"
        tail -n 30 "$run_dir/console"
        cat "$run_dir"/*.log
    } >&2
    exit 125
}
