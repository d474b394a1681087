# Progress, time limits and log files for the commands in integration/.
# shellcheck shell=bash

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "$@"; exit 1; }

seconds_now() { date +%s.%N; }
seconds_since() { awk -v from="$1" -v to="$(seconds_now)" 'BEGIN { printf "%.1f", to - from }'; }

# with_progress LIMIT LABEL CMD…: runs CMD with its output in a log. Every 10 s one line says that it is still running and
# what it printed last; on failure the end of the log is shown. LIMIT is in seconds.
with_progress() {
    local limit=$1 label=$2 log job pulse status=0
    shift 2
    log=$(mktemp)
    say "$label"
    timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null &
    job=$!
    pulse "$label" "$log" &
    pulse=$!
    # shellcheck disable=SC2064 # the ids of now
    trap "kill $job $pulse 2>/dev/null; rm -f '$log'; exit 130" INT TERM
    wait "$job" || status=$?
    kill "$pulse" 2>/dev/null || true
    wait "$pulse" 2>/dev/null || true
    trap - INT TERM
    if [ $status -ne 0 ]; then
        tail -n 40 "$log" >&2
        if [ $status -eq 124 ]; then say "$label: stopped after $limit s"; else say "$label: failed"; fi
    fi
    rm -f "$log"
    return $status
}

# A pipe that nothing is written to makes a sleep without a process of its own, so none is left when this is killed.
pulse() {
    local began=$SECONDS never
    exec {never}<> <(:)
    until read -r -t 10 -u "$never"; do
        printf '  … %s, %d s: %s\n' "$1" $((SECONDS - began)) "$(tail -n 1 "$2" | tr '\r' '\n' | tail -n 1 | cut -c1-100)" >&2
    done
}
