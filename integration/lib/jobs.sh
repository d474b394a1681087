# As many jobs at once as there are CPUs.
# shellcheck shell=bash

declare -A job_names=() job_logs=()

# start_job FINISH NAME LOG CMD…: runs CMD in the background, when there is room for it. FINISH NAME LOG STATUS is called when a
# job has ended, here or in finish_jobs.
start_job() {
    local finish=$1 name=$2 log=$3
    shift 3
    [ ${#job_names[@]} -lt "$(nproc)" ] || take_finished_job "$finish"
    "$@" &
    job_names[$!]=$name
    job_logs[$!]=$log
}

# finish_jobs FINISH: waits for all of them.
finish_jobs() {
    while [ ${#job_names[@]} -gt 0 ]; do take_finished_job "$1"; done
}

take_finished_job() {
    local finish=$1 job status=0
    wait -n -p job "${!job_names[@]}" || status=$?
    "$finish" "${job_names[$job]}" "${job_logs[$job]}" "$status"
    unset "job_names[$job]" "job_logs[$job]"
}
