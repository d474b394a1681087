# What a kubelet does for the tests of CRI: containerd with nacre as a runtime, pods and containers in it, answers about them.
# shellcheck shell=bash disable=SC2034,SC2154 # set for the tests; by helpers.bash

cri_dir=$integration_dir/tests/cri
busybox=docker.io/library/nacre-busybox:test
pause=docker.io/library/nacre-pause:test

# --- containerd

# start_containerd DIR: with a network for pods, and what client.py needs; all of it in DIR.
start_containerd() {
    modprobe --all bridge veth
    mkdir -p "$1/cni" "$1/messages" "$1/calls"
    protoc --python_out="$1/messages" --proto_path="$cri_dir" cri.proto
    pod_network >"$1/cni/10-pods.conflist"
    containerd_config "$1" >"$1/config.toml"
    containerd --config "$1/config.toml" >"$1/containerd.log" 2>&1 3>&- &
    echo $! >"$1/containerd.pid"
    CRI_MESSAGES=$1/messages CRI_ENDPOINT=unix:///run/containerd/containerd.sock "$cri_dir/client.py" "$1/cri.sock" \
        >"$1/client.log" 2>&1 3>&- &
    echo $! >"$1/client.pid"
    wait_until 60 ctr version
    wait_until 60 test -S "$1/cri.sock"
    ctr --namespace k8s.io images import "$(image_dir)/busybox.oci.tar" >&2
    ctr --namespace k8s.io images import <(pause_image "$1") >&2
    wait_until 60 runtime_is_ready
}

stop_containerd() {
    kill "$(cat "$1/containerd.pid")" "$(cat "$1/client.pid")"
}

containerd_config() {
    cat <<TOML
version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "nacre"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$1/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nacre]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nacre.options]
      BinaryName = "$(type -P nacre)"
      SystemdCgroup = false
TOML
}

pod_network() {
    cat <<'JSON'
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": true,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
}

# pause_image DIR: prints the archive of an image that does nothing for ever.
pause_image() {
    mkdir -p "$1/pause/bin"
    cp "$(command -v busybox)" "$1/pause/bin/busybox"
    ln -sf busybox "$1/pause/bin/sleep"
    tar -cf "$1/pause.tar" -C "$1/pause" --owner=0 --group=0 --numeric-owner .
    "$integration_dir/image/oci-archive" "$1/pause.tar" "$pause" '["sleep", "infinity"]' "$1/pause.oci.tar"
    cat "$1/pause.oci.tar"
}

runtime_is_ready() {
    [ "$(cri Status | jq -c '[.status.conditions[].status]')" = '[true,true]' ]
}

# cri METHOD [REQUEST…]: sends every REQUEST at once ({} if there is none) and prints the answers in their order, one a line; with
# status 1 and the errors, one a line, if not all succeeded.
cri() {
    local file=$BATS_FILE_TMPDIR/calls/$BASHPID status
    status=$(printf '%s\0' "$file" "$@" | socat -t 600 - "UNIX-CONNECT:$BATS_FILE_TMPDIR/cri.sock")
    cat "$file.out"
    cat "$file.err" >&2
    return "${status:-1}"
}

# --- pods

# pod_request NAME [FILTER]: RunPodSandbox's for a pod with a cgroup of its own.
pod_request() {
    mkdir -p "/sys/fs/cgroup/kubepods/$1"
    jq -cn --arg name "$1" --arg logs "$BATS_TEST_TMPDIR/logs/$1" '{runtime_handler: "nacre", config: {
        metadata: {name: $name, uid: $name, namespace: "default"}, hostname: $name, log_directory: $logs,
        linux: {cgroup_parent: "/kubepods/\($name)", security_context: {namespace_options: {pid: "CONTAINER"}}}}} | '"${2:-.}"
}

# new_pod NAME [FILTER]: runs one and sets $pod to its id. The filter changes the request.
new_pod() {
    pod_request "$@" >"$BATS_TEST_TMPDIR/pod.json"
    pod=$(cri RunPodSandbox "$(cat "$BATS_TEST_TMPDIR/pod.json")" | jq -r .pod_sandbox_id)
    [ -n "$pod" ]
}

pod_status() {
    cri PodSandboxStatus "{\"pod_sandbox_id\": \"$1\"}" | jq -r ".status$2"
}

remove_pods() {
    local requests
    mapfile -t requests < <(cri ListPodSandbox | jq -c '.items[] | {pod_sandbox_id: .id}')
    if [ ${#requests[@]} -gt 0 ]; then
        cri RemovePodSandbox "${requests[@]}" >/dev/null
    fi
    find /sys/fs/cgroup/kubepods -mindepth 1 -depth -type d -exec rmdir {} +
}

# --- containers

# container_request NAME FILTER CMD…: CreateContainer's for one of $pod.
container_request() {
    local name=$1 filter=$2
    shift 2
    printf '%s\037' "$@" | jq -cRs --arg name "$name" --arg image "$busybox" --arg pod "$pod" \
        --slurpfile run "$BATS_TEST_TMPDIR/pod.json" '{pod_sandbox_id: $pod, sandbox_config: $run[0].config, config: {
            metadata: {name: $name}, image: {image: $image}, command: split("\u001f")[:-1], log_path: "\($name).log",
            linux: {security_context: {namespace_options: {pid: "CONTAINER"}, seccomp: {profile_type: "RuntimeDefault"}}}}} | '"$filter"
}

# create_container NAME FILTER CMD…: in $pod; sets $container to its id. The filter changes the request.
create_container() {
    container=$(cri CreateContainer "$(container_request "$@")" | jq -r .container_id)
    [ -n "$container" ]
}

run_container() {
    create_container "$@"
    start_container "$container"
}

start_container() {
    cri StartContainer "{\"container_id\": \"$1\"}" >/dev/null
}

# stop_container ID SECONDS
stop_container() {
    cri StopContainer "{\"container_id\": \"$1\", \"timeout\": $2}" >/dev/null
}

remove_container() {
    cri RemoveContainer "{\"container_id\": \"$1\"}" >/dev/null
}

# container_status ID PATH: what a jq path below the status gives; an empty path, all of it.
container_status() {
    cri ContainerStatus "{\"container_id\": \"$1\"}" | jq -r ".status$2"
}

# how_it_ended ID: "code reason", when it has, within a minute.
how_it_ended() {
    local end=$((SECONDS + 60)) answer=
    until [[ $answer == *CONTAINER_EXITED* ]] || [ "$SECONDS" -ge "$end" ]; do answer=$(container_status "$1" ""); done
    jq -r '"\(.exit_code) \(.reason)"' <<<"$answer"
}

# request_with_command ID CMD…: of ExecSync and Exec.
request_with_command() {
    local id=$1
    shift
    printf '%s\037' "$@" | jq -cRs --arg id "$id" '{container_id: $id, cmd: split("\u001f")[:-1], timeout: 60}'
}

# exec_in ID CMD…: by ExecSync; the command's output and status.
exec_in() {
    local answer
    answer=$(cri ExecSync "$(request_with_command "$@")") || return 255
    jq -j '.stdout | @base64d' <<<"$answer"
    jq -j '.stderr | @base64d' <<<"$answer" >&2
    return "$(jq .exit_code <<<"$answer")"
}

# log_of NAME: of that container of the pod that was made last, without CRI's columns.
log_of() {
    cut -d' ' -f4- "$(jq -r .config.log_directory "$BATS_TEST_TMPDIR/pod.json")/$1.log"
}

log_has() {
    log_of "$1" | grep -qx "$2"
}

# url_for METHOD REQUEST
url_for() {
    cri "$1" "$2" | jq -r .url
}
