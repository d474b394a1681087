# Puts together what the lab boots into: busybox, the modules for its root, the guest scripts, and the job to run.
# shellcheck shell=bash disable=SC2154

# Needed before the root file system is there.
boot_modules="virtio_pci virtio_console virtio_rng"
root_modules="virtiofs overlay"
# All that modprobe finds in the RAM root of --exact.
exact_modules="kvm_amd kvm_intel tun veth bridge vhost_net sch_ingress cls_matchall act_mirred ext4 overlay loop"

build_initramfs() {
    local tree=$run_dir/initramfs
    mkdir -p "$tree"/{bin,modules,lab}
    cp "$(command -v busybox)" "$tree/bin/busybox"
    cp "$lab_dir"/guest/* "$tree/lab/"
    ln -s lab/init "$tree/init"
    write_job "$tree/lab"
    if [ "$lab_exact" = yes ]; then
        add_modules "$tree" "$boot_modules"
        add_exact_root "$tree/root"
    else
        add_modules "$tree" "$boot_modules $root_modules"
    fi
    (cd "$tree" && find . -print0 | cpio --null --create --format=newc --quiet) >"$run_dir/initramfs.cpio"
    rm -rf "$tree"
}

# Copies modules and what they depend on; modules/order names them in the order of insertion.
add_modules() {
    local tree=$1 file
    module_files "$2" | while read -r file; do
        cp "$file" "$tree/modules/"
        basename "$file" >>"$tree/modules/order"
    done
}

module_files() {
    # shellcheck disable=SC2086 # a list of words
    modprobe --dirname "$cache_dir/lab-kernel" --set-version "$lab_release" --all --show-depends $1 |
        awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# The job is a handful of files: settings as shell variables, and the command as a script.
write_job() {
    local entry
    {
        printf 'lab_exact=%s\nlab_tty=%s\nlab_modules=%s\n' "$lab_exact" "$lab_tty" "$(quote "$lab_modules")"
        printf 'lab_directory=%s\n' "$(quote "$PWD")"
        printf 'lab_start=%s\n' "$(date +%s)"
    } >"$1/settings"
    printf '%s\n' "$repo_dir" "$cache_dir" "$lab_build" "$PWD" >"$1/visible_directories"
    printf "%s\n" "${lab_shares[@]}" | sed "/^$/d" >"$1/shares"
    {
        printf 'PATH=%s\n' "$(quote "$lab_build/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")"
        printf 'export PATH NACRE_LAB=1 HOME=/root USER=root TERM=%s LANG=C.UTF-8\n' "$(quote "${TERM:-dumb}")"
        while IFS= read -r entry; do
            printf 'export %s=%s\n' "$entry" "$(quote "${!entry}")"
        done < <(compgen -e NACRE_)
        for entry in "${lab_env[@]}"; do
            printf 'export %s=%s\n' "${entry%%=*}" "$(quote "${entry#*=}")"
        done
        if [ "$lab_tty" = yes ]; then printf 'stty %s 2>/dev/null\n' "$(terminal_size)"; fi
        printf 'exec'
        for entry in "${lab_command[@]}"; do printf ' %s' "$(quote "$entry")"; done
        printf '\n'
    } >"$1/job"
}

# Quotes one word for any POSIX shell (bash's printf %q uses forms that busybox does not read).
quote() {
    printf "'%s'" "${1//\'/\'\\\'\'}"
}

terminal_size() {
    local rows columns
    read -r rows columns < <(stty size <&3)
    echo "rows $rows cols $columns"
}

# The RAM root of --exact: busybox under its usual names, the build, and the files and trees asked for.
add_exact_root() {
    local root=$1 entry
    mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,root,etc,var/lib,usr/bin,usr/sbin,sbin}
    cp "$(command -v busybox)" "$root/bin/busybox"
    for entry in $(busybox --list | grep -vx busybox); do ln -s busybox "$root/bin/$entry"; done
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
    add_exact_modules "$root$lab_modules"
    for entry in bin share; do
        if [ -d "$lab_build/$entry" ]; then add_tree "$root" "$lab_build/$entry"; fi
    done
    for entry in "${lab_trees[@]}"; do add_tree "$root" "${entry%%:*}" "${entry#*:}"; done
    for entry in "${lab_files[@]}"; do add_file "$root" "$(command -v -- "$entry" || echo "$entry")"; done
    for entry in "$lab_build"/bin/*; do add_libraries "$root" "$entry"; done
}

add_exact_modules() {
    local to=$1 file
    mkdir -p "$to"
    cp "$lab_modules"/modules.* "$to/"
    module_files "$exact_modules" | while read -r file; do
        mkdir -p "$to$(dirname "${file#"$lab_modules"}")"
        cp "$file" "$to${file#"$lab_modules"}"
    done
}

add_tree() {
    local root=$1 from to
    from=$(realpath -- "$2")
    to=$root${3:-$from}
    [ -d "$from" ] || fail "--tree $2: no such directory"
    mkdir -p "$to"
    cp -a "$from/." "$to/"
}

add_file() {
    [ -f "$2" ] || fail "--with $2: no such file"
    mkdir -p "$1$(dirname "$2")"
    cp -L --remove-destination "$2" "$1$2"
    add_libraries "$1" "$2"
}

# Shared libraries and the ELF interpreter, as ldd lists them; a static binary or a script has none.
add_libraries() {
    local library
    ldd "$2" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
        [ -e "$1$library" ] && continue
        mkdir -p "$1$(dirname "$library")"
        cp -L "$library" "$1$library"
    done || true
}
