#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # shells of containers expand; tests are subshells; set by pods.bash and run
# Kubernetes' Container Runtime Interface: containerd with nacre as a runtime, asked as a kubelet asks it. Pods in one VM each.
# NACRE_TEST_EFFORT sets how many pods run at once: 6, and 30 from 5 on.
# time-limit: 3000
# memory: 8G
load helpers
load cri/pods

setup_file() {
    mkdir -p /sys/fs/cgroup/kubepods
    start_containerd "$BATS_FILE_TMPDIR"
    # containerd and CNI make their directories and the bridge with the first pod.
    BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    new_pod first
    run_container one . true
    remove_pods
}

teardown_file() {
    stop_containerd "$BATS_FILE_TMPDIR"
}

setup() {
    remember_machine
}

teardown() {
    remove_pods
    assert_nothing_left
}

# volume SOURCE DESTINATION [true]: a filter that adds a mount, read-only if so.
volume() {
    echo ".config.mounts += [{host_path: \"$1\", container_path: \"$2\", readonly: ${3:-false}}]"
}

@test "a pod is listed, ready, and gone when it is removed" {
    new_pod web '.config.labels = {app: "web"}'
    [ "$(cri ListPodSandbox | jq -c '.items[] | [.id, .metadata.name, .state, .labels.app, .runtime_handler]')" = \
        "[\"$pod\",\"web\",\"SANDBOX_READY\",\"web\",\"nacre\"]" ]
    [[ $(pod_status "$pod" .network.ip) == 10.88.* ]]
    cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
    [ "$(pod_status "$pod" .state)" = SANDBOX_NOTREADY ]
    [ -z "$(vmm_pids)" ]
    cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
    [ "$(cri ListPodSandbox | jq -c .items)" = "[]" ]
}

@test "two containers of a pod: one VM, a shared volume, localhost, the pod's name" {
    mkdir "$BATS_TEST_TMPDIR/www"
    new_pod web
    run_container server "$(volume "$BATS_TEST_TMPDIR/www" /www)" httpd -f -p 127.0.0.1:8080 -h /www
    server=$container
    run_container writer "$(volume "$BATS_TEST_TMPDIR/www" /data)" sh -c 'echo "served for $(hostname)" >/data/index.html; sleep 1000'
    [ "$(vmm_pids | wc -l)" -eq 1 ]
    [[ $(exec_in "$server" uname -r) == *nacre* ]]
    [ "$(exec_in "$container" wget -q -O - http://127.0.0.1:8080/)" = "served for web" ]
    [ "$(cri ListContainers "{\"filter\": {\"pod_sandbox_id\": \"$pod\"}}" |
        jq -c '[.containers[] | [.metadata.name, .state]] | sort')" = '[["server","CONTAINER_RUNNING"],["writer","CONTAINER_RUNNING"]]' ]
}

@test "a container is restarted in its pod: its reason and exit code, its log in CRI's format, rotated" {
    new_pod job
    run_container task . sh -c 'echo out; echo err >&2; printf part; exit 3'
    [ "$(how_it_ended "$container")" = "3 Error" ]
    log=$BATS_TEST_TMPDIR/logs/job/task.log
    [ "$(container_status "$container" .log_path)" = "$log" ]
    run sort -k 4 "$log"
    [ "${#lines[@]}" -eq 3 ]
    [[ ${lines[0]} =~ ^[0-9-]+T[0-9:.]+(Z|[+-][0-9:]+)\ stderr\ F\ err$ ]]
    [[ ${lines[1]} == *" stdout F out" ]]
    [[ ${lines[2]} == *" stdout "[PF]" part" ]]
    remove_container "$container"
    run_container task '.config.metadata.attempt = 1' sh -c 'echo again; trap "echo rotated; exit 0" USR1; while :; do sleep 0.1; done'
    wait_until 60 log_has task again
    mv "$log" "$log.1"
    cri ReopenContainerLog "{\"container_id\": \"$container\"}"
    exec_in "$container" kill -USR1 1
    [ "$(how_it_ended "$container")" = "0 Completed" ]
    [ "$(log_of task)" = rotated ]
    [ "$(vmm_pids | wc -l)" -eq 1 ]
}

@test "ExecSync: output, error output, exit code, a program that does not exist, a time limit" {
    new_pod box
    run_container one . sleep 1000
    run --separate-stderr exec_in "$container" sh -c 'echo out; echo err >&2; exit 7'
    [ "$status" -eq 7 ]
    [ "$output" = out ]
    [ "$stderr" = err ]
    [ "$(exec_in "$container" sh -c 'head -c 1000000 /dev/zero' | wc -c)" -eq 1000000 ]
    run cri ExecSync "$(request_with_command "$container" /no/such/program)"
    [ "$status" -ne 0 ]
    [[ $output == *"no such file or directory"* ]]
    run cri ExecSync "$(request_with_command "$container" sleep 1001 | jq -c '.timeout = 2')"
    [ "$status" -ne 0 ]
    [[ $output == *DEADLINE_EXCEEDED* ]]
    run exec_in "$container" sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
    [[ $output != *"sleep 1001"* ]]
}

@test "Exec with a terminal of the caller's size, and without; Attach" {
    new_pod box
    run_container one '.config.stdin = true' sh -c 'while read line; do echo "got $line"; [ "$line" != end ] || exit 4; done'
    url=$(url_for Exec "$(request_with_command "$container" sh -c 'read line; echo "out $line"; echo err >&2; exit 5' |
        jq -c '. + {stdin: true, stdout: true, stderr: true} | del(.timeout)')")
    run --separate-stderr "$cri_dir/stream.py" "$url" <<<"in" 3>&-
    [ "$status" -eq 5 ]
    [ "$output" = "out in" ]
    [ "$stderr" = err ]
    # The size comes by a way of its own, maybe later than the line.
    url=$(url_for Exec "$(request_with_command "$container" sh -c 'read line; until stty size 2>/dev/null | grep .; do sleep 0.1; done; tty' |
        jq -c '. + {stdin: true, stdout: true, tty: true} | del(.timeout)')")
    run "$cri_dir/stream.py" "$url" 30x100 <<<"go" 3>&-
    [ "$status" -eq 0 ]
    [ "$output" = $'go\r\n30 100\r\n/dev/pts/0\r' ]
    url=$(url_for Attach "{\"container_id\": \"$container\", \"stdin\": true, \"stdout\": true, \"stderr\": true}")
    run "$cri_dir/stream.py" "$url" <<<$'one\nend' 3>&-
    [ "$output" = $'got one\ngot end' ]
    [ "$(how_it_ended "$container")" = "4 Error" ]
}

@test "StopContainer: a container that minds the signal, and one that does not" {
    new_pod box
    run_container minds . sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done'
    wait_until 60 log_has minds ready
    stop_container "$container" 60
    [ "$(how_it_ended "$container")" = "9 Error" ]
    run_container ignores . sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    wait_until 60 log_has ignores ready
    stop_container "$container" 2
    [ "$(how_it_ended "$container")" = "137 Error" ]
    # Both again: it has been stopped already.
    stop_container "$container" 2
    [ "$(pod_status "$pod" .state)" = SANDBOX_READY ]
}

@test "a service that needs more memory than its limit is OOMKilled, with 137; its neighbour is not" {
    new_pod box
    run_container neighbour . sleep 1000
    neighbour=$container
    run_container service '.config.linux.resources = {memory_limit_in_bytes: 33554432}' sh -c 'while :; do a=$a$a.; done'
    [ "$(how_it_ended "$container")" = "137 OOMKilled" ]
    [ "$(container_status "$neighbour" .state)" = CONTAINER_RUNNING ]
    exec_in "$neighbour" true
}

@test "UpdateContainerResources changes what the guest enforces" {
    new_pod box
    run_container one '.config.linux.resources = {memory_limit_in_bytes: 134217728, cpu_period: 100000, cpu_quota: 50000}' sleep 1000
    [ "$(exec_in "$container" cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max)" = $'134217728\n50000 100000' ]
    cri UpdateContainerResources "{\"container_id\": \"$container\",
        \"linux\": {\"memory_limit_in_bytes\": 67108864, \"cpu_period\": 100000, \"cpu_quota\": 20000}}"
    [ "$(exec_in "$container" cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max)" = $'67108864\n20000 100000' ]
}

@test "statistics: of a pod, those of its VM; of a container, those of what stands for it on the host" {
    new_pod box
    run_container one . sleep 1000
    run cri ContainerStats "{\"container_id\": \"$container\"}"
    [ "$(jq -r .stats.attributes.id <<<"$output")" = "$container" ]
    jq -e '(.stats.cpu.usage_core_nano_seconds.value | tonumber) > 0' <<<"$output"
    jq -e '(.stats.memory.working_set_bytes.value | tonumber) > 0' <<<"$output"
    run cri PodSandboxStats "{\"pod_sandbox_id\": \"$pod\"}"
    jq -e '(.stats.linux.cpu.usage_core_nano_seconds.value | tonumber) > 100000000' <<<"$output"
    jq -e '(.stats.linux.memory.working_set_bytes.value | tonumber) > 16777216' <<<"$output"
    [ "$(jq -r '.stats.linux.containers[].attributes.id' <<<"$output")" = "$container" ]
}

@test "a configuration that changes, read-only volumes, and a security context" {
    config=$BATS_TEST_TMPDIR/config
    mkdir -p "$config/..one" "$config/..two"
    echo one >"$config/..one/key"
    echo two >"$config/..two/key"
    ln -s ..one "$config/..data"
    ln -s ..data/key "$config/key"
    new_pod box
    run_container one "$(volume "$config" /config true) | .config.envs = [{key: \"WHO\", value: \"a b\"}] | .config.working_dir = \"/tmp\" |
        .config.linux.security_context += {run_as_user: {value: 1000}, run_as_group: {value: 1001}, readonly_rootfs: true,
            no_new_privs: true, capabilities: {drop_capabilities: [\"ALL\"]}}" sleep 1000
    [ "$(exec_in "$container" cat /config/key)" = one ]
    # As the kubelet changes a ConfigMap: the link, in one step.
    ln -s ..two "$config/..new"
    mv -T "$config/..new" "$config/..data"
    key_is_two() { [ "$(exec_in "$container" cat /config/key)" = two ]; }
    wait_until 60 key_is_two
    run exec_in "$container" sh -c 'echo "$WHO $(pwd) $(id -u):$(id -g)"; grep -E "CapBnd|NoNewPrivs|Seccomp:" /proc/self/status; touch /config/x /x'
    [ "${lines[0]}" = "a b /tmp 1000:1001" ]
    [ "${lines[1]}" = $'CapBnd:\t0000000000000000' ]
    [ "${lines[2]}" = $'NoNewPrivs:\t1' ]
    [ "${lines[3]}" = $'Seccomp:\t2' ]
    [[ $output == *"/config/x: Read-only file system"*"/x: Read-only file system"* ]]
}

@test "a pod whose containers share their processes" {
    new_pod box '.config.linux.security_context.namespace_options.pid = "POD"'
    run_container one '.config.linux.security_context.namespace_options.pid = "POD"' sleep 1001
    one=$container
    run_container two '.config.linux.security_context.namespace_options.pid = "POD"' sleep 1002
    [[ $(exec_in "$one" sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "') == *"sleep infinity"*"sleep 1002"* ]]
    stop_container "$one" 1
    [ "$(container_status "$container" .state)" = CONTAINER_RUNNING ]
    exec_in "$container" true
}

@test "hostNetwork: the pod is refused, and the caller is told why" {
    run cri RunPodSandbox "$(pod_request box '.config.linux.security_context.namespace_options.network = "NODE" | .config.hostname = ""')"
    [ "$status" -ne 0 ]
    [[ $output == *"network of the host"*io.nacre.net.host=loopback* ]]
}

@test "a VMM that is killed: its containers have failed, its pod is not ready" {
    new_pod box
    run_container one . sleep 1000
    kill -KILL "$(vmm_pids)"
    [ "$(how_it_ended "$container")" = "137 Error" ]
    pod_is_not_ready() { [ "$(pod_status "$pod" .state)" = SANDBOX_NOTREADY ]; }
    wait_until 60 pod_is_not_ready
}

@test "a pod that is removed with its containers running" {
    new_pod box
    run_container one . sh -c 'trap "" TERM; while :; do sleep 1; done'
    cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
    [ "$(cri ListContainers | jq -c .containers)" = "[]" ]
    [ -z "$(vmm_pids)" ]
}

@test "pods at once: each has its own VM and gives its own answer" {
    local count=$((${NACRE_TEST_EFFORT:-1} < 5 ? 6 : 30)) number requests=() ids
    for ((number = 0; number < count; ++number)); do requests+=("$(pod_request "pod$number")"); done
    mapfile -t ids < <(cri RunPodSandbox "${requests[@]}" | jq -r .pod_sandbox_id)
    [ "${#ids[@]}" -eq "$count" ]
    [ "$(vmm_pids | wc -l)" -eq "$count" ]
    requests=()
    for ((number = 0; number < count; ++number)); do
        pod=${ids[number]}
        pod_request "pod$number" >"$BATS_TEST_TMPDIR/pod.json"
        requests+=("$(container_request answer . sh -c "echo \$(hostname) $number")")
    done
    mapfile -t requests < <(cri CreateContainer "${requests[@]}" | jq -c .)
    [ "${#requests[@]}" -eq "$count" ]
    cri StartContainer "${requests[@]}" >/dev/null
    for ((number = 0; number < count; ++number)); do
        [ "$(how_it_ended "$(jq -r .container_id <<<"${requests[number]}")")" = "0 Completed" ]
        [ "$(cut -d' ' -f4- "$BATS_TEST_TMPDIR/logs/pod$number/answer.log")" = "pod$number $number" ]
    done
}

@test "nginx is reached from the host, from another pod, and through PortForward" {
    local programs directory
    mkdir "$BATS_TEST_TMPDIR/www"
    echo served >"$BATS_TEST_TMPDIR/www/index.html"
    echo 'daemon off; user nobody nobody; error_log stderr; pid /tmp/pid; events {}
        http { access_log off; server { listen 8080; root /www; } }' >"$BATS_TEST_TMPDIR/www/nginx.conf"
    # Debian's, in the busybox image.
    programs=.
    for directory in /usr /lib /lib64; do programs+=" | $(volume "$(readlink -f "$(image_dir)/debian$directory")" "$directory" true)"; done
    new_pod server
    run_container server "$programs | $(volume "$BATS_TEST_TMPDIR/www" /www true)" \
        sh -c 'mkdir -p /var/lib/nginx /var/log/nginx; exec /usr/sbin/nginx -c /www/nginx.conf'
    address=$(pod_status "$pod" .network.ip)
    wait_until 60 busybox wget -q -O - "http://$address:8080/"
    [ "$(busybox wget -q -O - "http://$address:8080/")" = served ]
    url=$(url_for PortForward "{\"pod_sandbox_id\": \"$pod\", \"port\": [8080]}")
    run "$cri_dir/forward.py" "$url" <<<$'GET / HTTP/1.0\r\n\r' 3>&-
    [ "$status" -eq 0 ]
    [[ $output == *200*served* ]]
    new_pod client
    run_container client . wget -q -O - "http://$address:8080/"
    [ "$(how_it_ended "$container")" = "0 Completed" ]
    [ "$(log_of client)" = served ]
}
