# Building nacre and its guest kernel. Needs lib/report.sh and repo_dir.
# shellcheck shell=bash disable=SC2154

# configure_and_build DIR LABEL CMAKE-OPTION…
configure_and_build() {
    local dir=$1 label=$2
    shift 2
    with_progress 300 "configuring the $label" \
        cmake -S "$repo_dir" -B "$dir" -G Ninja -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache "$@" &&
        with_progress 1500 "building the $label" ninja -C "$dir"
}

# The kernel comes from the cache or is built into it, with progress of its own; the build directory gets a copy.
install_kernel() {
    local kernel share=$1/share/nacre
    kernel=$(timeout --foreground 3000 "$repo_dir/kernel-config/build") || return 1
    mkdir -p "$share"
    cmp -s "$kernel" "$share/vmlinux" && return
    cp "$kernel" "$share/vmlinux.new"
    mv "$share/vmlinux.new" "$share/vmlinux"
}

# choose_host BUILD_DIR: sets in_host to the words that a command needs before it to run where KVM works.
# nacre check says no on the host of a lab, and says why; that is a finding, not a failure.
choose_host() {
    if "$1/bin/nacre" check >/dev/null 2>&1; then
        in_host=()
        say "KVM of this machine is fit for nacre: running on it"
    else
        in_host=("$repo_dir/integration/lab/run" --build "$1")
        say "KVM of this machine is not fit for nacre (see nacre check): running in the lab"
    fi
}
