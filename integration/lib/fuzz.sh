# Running fuzz targets for a bounded time. Needs lib/report.sh, lib/tally.sh, lib/jobs.sh and repo_dir.
# shellcheck shell=bash disable=SC2154

# run_fuzz_targets BUILD_DIR SECONDS [SUBJECT…]: all of them, unless some are named. Each is one test.
run_fuzz_targets() {
    local build=$1 seconds=$2 subject
    shift 2
    [ $# -gt 0 ] || set -- "$build"/fuzz/fuzz_*
    mkdir -p "$build/fuzz/logs"
    for subject in "$@"; do
        subject=${subject##*fuzz_}
        start_job tally_fuzz_target "fuzz_$subject" "$build/fuzz/logs/$subject" fuzz_target "$build" "$subject" "$seconds"
    done
    finish_jobs tally_fuzz_target
}

# What was found new is kept in the build directory, and what a run begins with is that and the seeds. An input that fails is
# left in fuzz/findings. The seconds count from when the whole corpus has been run, which takes its time on a busy machine.
fuzz_target() {
    local build=$1 subject=$2 seconds=$3 options=()
    say "fuzzing fuzz_$subject for $seconds s"
    mkdir -p "$build/fuzz/corpus/$subject" "$build/fuzz/findings"
    local seeds=$repo_dir/tests/fuzz/corpus/$subject words=$repo_dir/tests/fuzz/dictionaries/$subject.dict
    local corpora=("$build/fuzz/corpus/$subject")
    [ ! -d "$seeds" ] || corpora+=("$seeds")
    [ ! -f "$words" ] || options+=(-dict="$words")
    TMPDIR=$(memory_directory) timeout --kill-after=10 $((seconds + 300)) "$build/fuzz/fuzz_$subject" \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -max_len=8192 -print_final_stats=1 -close_fd_mask=1 \
        -artifact_prefix="$build/fuzz/findings/$subject-" "${options[@]}" "${corpora[@]}" \
        >"$build/fuzz/logs/$subject" 2>&1 </dev/null
}

# Where trees that are shared stand: in memory, or requests would wait for the disk.
memory_directory() {
    if [ -w /dev/shm ]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

# tally_fuzz_target NAME LOG STATUS
tally_fuzz_target() {
    local name=$1 log=$2 status=$3 runs
    if [ "$status" -eq 0 ]; then
        note_pass 1
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        printf '%-40s %10s runs  %s\n' "$name" "$runs" "$(grep -oE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1)"
    else
        tail -n 60 "$log"
        note_failure 1 "$name: ended with status $status; the input is in $(dirname "$log" | sed 's/logs$/findings/')"
    fi
}
