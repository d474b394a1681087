# The lab's own kernel: Debian's linux-image-cloud-amd64, unpacked into the cache and never installed.
# Sets lab_kernel (the bzImage), lab_release (uname -r) and lab_modules (its module directory).
# shellcheck shell=bash disable=SC2034,SC2154

prepare_kernel() {
    local dir=$cache_dir/lab-kernel
    if [ ! -e "$dir/complete" ]; then
        mkdir -p "$cache_dir"
        # Runs that start at the same time wait here for the first one's download.
        (
            flock 9
            [ -e "$dir/complete" ] || unpack_kernel "$dir"
        ) 9>"$cache_dir/lab-kernel.lock"
    fi
    lab_release=$(cat "$dir/complete")
    lab_kernel=$dir/boot/vmlinuz-$lab_release
    lab_modules=$dir/lib/modules/$lab_release
}

unpack_kernel() {
    local dir=$1 download package
    echo "lab: fetching the kernel package (once)" >&2
    package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: *\(linux-image-[^ ]*\)$/\1/p' | head -n 1)
    [ -n "$package" ] || fail "apt does not know linux-image-cloud-amd64; run apt-get update"
    download=$(mktemp -d)
    rm -rf "$dir" "$dir.new"
    (cd "$download" && apt-get download -q "$package" >&2) || fail "cannot download $package"
    dpkg -x "$download"/linux-image-*.deb "$dir.new"
    rm -rf "$download"
    depmod -b "$dir.new" "${package#linux-image-}"
    echo "${package#linux-image-}" >"$dir.new/complete"
    mv "$dir.new" "$dir"
}
