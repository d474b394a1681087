# Running tests and counting what passed and failed. Needs lib/report.sh.
# shellcheck shell=bash

passed=0
failed=0
failures=()

note_pass() { passed=$((passed + $1)); }

note_failure() {
    failed=$((failed + $1))
    failures+=("$2")
    printf 'FAILED: %s\n' "$2"
}

# test_step NAME CMD…: one check that either passes or fails.
test_step() {
    local name=$1 status=0
    shift
    "$@" >&2 || status=$?
    if [ $status -eq 0 ]; then note_pass 1; else note_failure 1 "$name"; fi
    return $status
}

# run_doctest PROGRAM LABEL: a program that dies before its summary counts as one failure.
run_doctest() {
    local name log good bad status=0
    name=$(basename "$1")
    log=$(mktemp)
    timeout --kill-after=10 120 "$1" --no-colors >"$log" 2>&1 </dev/null || status=$?
    read -r good bad < <(sed -n 's/^\[doctest\] test cases: *[0-9]* *| *\([0-9]*\) passed *| *\([0-9]*\) failed.*/\1 \2/p' "$log") || true
    if [ -z "${good:-}" ]; then
        tail -n 40 "$log"
        note_failure 1 "$name ($2): ended with status $status and without a summary"
    else
        note_pass "$good"
        if [ "$bad" -gt 0 ]; then
            tail -n 200 "$log"
            note_failure "$bad" "$name ($2)"
        elif [ $status -ne 0 ]; then
            tail -n 40 "$log"
            note_failure 1 "$name ($2): status $status after the summary"
        fi
        printf '%-40s %-10s %4d passed, %d failed\n' "$name" "$2" "$good" "$bad"
    fi
    rm -f "$log"
}

# run_bats LIMIT FILE CMD…: CMD prints TAP.
run_bats() {
    local limit=$1 file=$2 log
    shift 2
    log=$(mktemp)
    record_tap "$limit" "$log" "$@"
    tally_tap "$file" "$log"
}

# record_tap LIMIT LOG CMD…: leaves the output in LOG and LOG.err, and how it ended in LOG.end.
record_tap() {
    local limit=$1 log=$2 status=0 began
    shift 2
    began=$(seconds_now)
    timeout --kill-after=20 $((limit + 60)) "$@" </dev/null >"$log" 2>"$log.err" || status=$?
    echo "$status $(seconds_since "$began")" >"$log.end"
}

# stood_still LOG: the time limit came, and no test had ended. Each has limits of its own, so what hung is the lab (lab/README.md).
stood_still() {
    local status _
    read -r status _ <"$1.end"
    [ "$status" -eq 124 ] && ! grep -qE '^(not )?ok ' "$1"
}

# tally_tap FILE LOG: tests that the plan announces and that never ran count as failed.
tally_tap() {
    local name log=$2 plan good bad skipped status seconds
    name=$(basename "$1")
    read -r status seconds <"$log.end"
    cat "$log"
    plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log" | head -n 1)
    skipped=$(grep -c '^ok .* # skip' "$log" || true)
    good=$(($(grep -c '^ok ' "$log" || true) - skipped))
    bad=$(grep -c '^not ok ' "$log" || true)
    note_pass "$good"
    [ "$bad" -eq 0 ] || note_failure "$bad" "$name"
    if [ -z "$plan" ] || [ $((good + bad + skipped)) -lt "$plan" ]; then
        tail -n 30 "$log.err"
        note_failure $((${plan:-1} - good - bad - skipped)) "$name: ended early with status $status"
    fi
    printf '%-40s %10s s %4d passed, %d failed, %d skipped\n' "$name" "$seconds" "$good" "$bad" "$skipped"
    rm -f "$log" "$log.err" "$log.end"
}

# The closing line, alone and last.
close_tally() {
    if [ ${#failures[@]} -gt 0 ]; then printf '\nFailures:\n'; printf '  %s\n' "${failures[@]}"; fi
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
}
