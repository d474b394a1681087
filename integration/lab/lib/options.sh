# Command line of lab/run. Sets the lab_* variables that the other files read.
# shellcheck shell=bash disable=SC2034

repo_dir=$(cd "$lab_dir/../.." && pwd)
cache_dir=${NACRE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nacre}

lab_memory=4G
lab_cpus=1
lab_timeout=600
lab_build=$repo_dir/build
lab_exact=no
lab_verbose=no
lab_tty=no
lab_shares=()
lab_files=()
lab_trees=()
lab_env=()
lab_command=()

usage() {
    cat <<'EOF'
Usage: lab/run [options] -- CMD [ARG...]
Runs CMD as root in a software-emulated machine that has a working /dev/kvm. stdin, stdout, stderr and the exit status
are those of CMD. Files of this machine are visible at their own paths; nothing CMD changes reaches them.

  --memory SIZE     memory of the lab, 512M or 8G (default 4G)
  --cpus N          CPUs of the lab, which share one of this machine (default 1)
  --timeout SECONDS time limit for the whole run (default 600); then the exit status is 124
  --share DIR       DIR is shared read-write, at its own path; may be repeated
  --build DIR       build directory whose bin/ comes first on PATH (default: build/ of this checkout)
  --env NAME=VALUE  environment variable for CMD; may be repeated (NACRE_* is passed on anyway)
  --exact           count instructions instead of time (1 CPU, 2 ns an instruction), and keep the root in RAM;
                    it then holds only busybox, the build, and what --with and --tree name
  --with FILE       with --exact: FILE, at its own path, with the libraries it needs; may be repeated
  --tree DIR[:DEST] with --exact: the whole of DIR, at its own path or at DEST; may be repeated
  --verbose         kernel log of the lab on stderr
  --tty             CMD (default: a shell) on a terminal; what lab/shell uses
Exit status: that of CMD, 124 after the time limit, 125 when the lab itself failed, 130 after Ctrl-C.
EOF
}

fail() {
    echo "lab: $*" >&2
    exit 125
}

parse_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h) usage; exit 0 ;;
        --exact) lab_exact=yes; shift; continue ;;
        --verbose) lab_verbose=yes; shift; continue ;;
        --tty) lab_tty=yes; shift; continue ;;
        --) shift; lab_command=("$@"); break ;;
        --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}"; continue ;;
        --*) [ $# -ge 2 ] || fail "option $1 needs a value, or is unknown; see lab/run --help" ;;
        *) lab_command=("$@"); break ;;
        esac
        case $1 in
        --memory) lab_memory=$2 ;;
        --cpus) lab_cpus=$2 ;;
        --timeout) lab_timeout=$2 ;;
        --share) lab_shares+=("$(existing_directory "$1" "$2")") ;;
        --build) lab_build=$(realpath -m -- "$2") ;;
        --env) lab_env+=("$2") ;;
        --with) lab_files+=("$2") ;;
        --tree) lab_trees+=("$2") ;;
        *) fail "unknown option $1; see lab/run --help" ;;
        esac
        shift 2
    done
    check_options
}

check_options() {
    [[ $lab_memory =~ ^[0-9]+[MG]$ ]] || fail "--memory $lab_memory: want a number and M or G, such as 4G"
    [[ $lab_cpus =~ ^[1-9][0-9]*$ ]] || fail "--cpus $lab_cpus: want a positive number"
    [[ $lab_timeout =~ ^[1-9][0-9]*$ ]] || fail "--timeout $lab_timeout: want a positive number of seconds"
    if [ ${#lab_command[@]} -eq 0 ]; then
        [ $lab_tty = yes ] || fail "no command given; see lab/run --help"
        lab_command=("$(default_shell)")
    fi
    if [ $lab_exact = no ] && [ $((${#lab_files[@]} + ${#lab_trees[@]})) -gt 0 ]; then
        fail "--with and --tree belong to --exact: without it every file is visible anyway"
    fi
    if [ $lab_exact = yes ] && [ ${#lab_shares[@]} -gt 0 ]; then
        fail "--share does not go with --exact: access to the outside would disturb the instruction clock"
    fi
}

default_shell() {
    if [ $lab_exact = yes ]; then echo /bin/sh; else echo /bin/bash; fi
}

existing_directory() {
    [ -d "$2" ] || fail "$1 $2: no such directory"
    realpath -- "$2"
}

# The packages these come from are in integration/packages.txt.
require_tools() {
    local tool
    for tool in qemu-system-x86_64 busybox cpio setpriv /usr/lib/qemu/virtiofsd; do
        command -v "$tool" >/dev/null || fail "$tool is missing; run integration/install-packages"
    done
}
