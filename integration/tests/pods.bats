#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016 # set by helpers; shells of containers expand
# Pods: containers that come one by one, as CRI's callers send them, and share the virtual machine of their sandbox.
# time-limit: 900
load helpers

setup() {
    remember_machine
}

teardown() {
    local id
    for id in a b c pod; do nacre delete --force "$id"; done
    assert_nothing_left
}

pause='trap exit TERM; while :; do sleep 1000 & wait $!; done'

# A sandbox as containerd's CRI makes it, running.
new_sandbox() {
    new_bundle pod sh -c "$pause"
    edit_config '.hostname = "the-pod" | .root.readonly = true | .linux.resources.cpu.shares = 2 |
        .annotations = {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": "pod"}'
    create_and_start pod
}

# new_member ID FILTER CMD…: makes the bundle of a container of the pod, with the namespaces that CRI shares by default.
new_member() {
    local id=$1 filter=$2
    shift 2
    new_bundle "$id" "$@"
    edit_config '.annotations = {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "pod"} |
        .linux.namespaces = [{type: "mount"}, {type: "pid"},
            {type: "ipc", path: "/proc/\($pid)/ns/ipc"}, {type: "uts", path: "/proc/\($pid)/ns/uts"},
            {type: "network", path: "/proc/\($pid)/ns/net"}] | del(.hostname)' --arg pid "$(pid_of pod)"
    edit_config "$filter"
}

create_and_start() {
    nacre create --bundle "$BATS_TEST_TMPDIR/$1" --pid-file "$BATS_TEST_TMPDIR/$1.pid" "$1" \
        </dev/null >"$BATS_TEST_TMPDIR/$1.out" 2>"$BATS_TEST_TMPDIR/$1.err" || {
        cat "$BATS_TEST_TMPDIR/$1.err" >&2
        return 1
    }
    nacre start "$1"
}

pid_of() {
    nacre state "$1" | jq .pid
}

mount_of() {
    jq -cn --arg source "$1" --arg destination "$2" '.mounts += [{type: "bind", source: $source, destination: $destination,
        options: ["rbind"]}] | .mounts[0]'
}

# with_mounts SOURCE:DESTINATION…: a jq filter that adds bind mounts.
with_mounts() {
    local entry filter=.
    for entry in "$@"; do filter+=" | .mounts += [$(mount_of "${entry%%:*}" "${entry#*:}")]"; done
    echo "$filter"
}

@test "the containers of a pod share one VM, with the namespaces that CRI shares, and come and go" {
    new_sandbox
    new_member a . sh -c 'hostname; echo $$; while :; do echo hello | nc -l -p 8080; done'
    create_and_start a
    new_member b . sh -c 'until nc 127.0.0.1 8080 </dev/null | grep hello; do sleep 0.2; done'
    create_and_start b
    [ "$(vmm_pids | wc -l)" -eq 1 ]
    wait_until 60 has_status b stopped
    run cat "$BATS_TEST_TMPDIR/a.out"
    [ "${lines[0]}" = the-pod ]
    [ "${lines[1]}" = 1 ]
    [ "$(cat "$BATS_TEST_TMPDIR/b.out")" = hello ]
    has_status pod running
    # One that has died is made again in the same VM.
    nacre kill a KILL
    wait_until 60 has_status a stopped
    nacre delete a
    new_member a . sh -c 'echo again; exec sleep 1000'
    create_and_start a
    [ "$(nacre exec a hostname)" = the-pod ]
    [ "$(nacre exec a readlink /proc/self/ns/ipc)" = "$(nacre exec pod readlink /proc/self/ns/ipc)" ]
    [ "$(nacre exec a readlink /proc/self/ns/pid)" != "$(nacre exec pod readlink /proc/self/ns/pid)" ]
    [ "$(nacre list --quiet | tr '\n' ' ')" = "a b pod " ]
    [ "$(vmm_pids | wc -l)" -eq 1 ]
    nacre delete --force a
    nacre delete b
    # What the host gave the VM for them is gone.
    run grep -cE ' /(a|b)/' "/proc/$(vmm_pids)/mountinfo"
    [ "$output" = 0 ]
    nacre kill pod KILL
    wait_until 60 has_status pod stopped
    nacre delete pod
    [ -z "$(vmm_pids)" ]
}

@test "volumes of a pod: shared directories, in memory too, files that change on the host, /dev/shm" {
    local pod=$BATS_TEST_TMPDIR/volumes
    mkdir -p "$pod/empty/sub" "$pod/memory" "$pod/shm" "$pod/config/..one"
    mount -t tmpfs memory "$pod/memory"
    mount -t tmpfs shm "$pod/shm"
    echo one >"$pod/config/..one/key"
    ln -s ..one "$pod/config/..data"
    ln -s ..data/key "$pod/config/key"
    : >"$pod/log"
    new_sandbox
    new_member a "$(with_mounts "$pod/empty:/empty" "$pod/memory:/memory" "$pod/config:/config" "$pod/log:/dev/termination-log") |
        (.mounts[] | select(.destination == \"/dev/shm\")) = $(mount_of "$pod/shm" /dev/shm)" sleep 1000
    create_and_start a
    new_member b "$(with_mounts "$pod/empty:/empty" "$pod/empty/sub:/sub" "$pod/memory:/memory") |
        (.mounts[] | select(.destination == \"/dev/shm\")) = $(mount_of "$pod/shm" /dev/shm)" sleep 1000
    create_and_start b
    nacre exec a sh -c 'echo a >/empty/sub/file; echo m >/memory/file; echo s >/dev/shm/file; echo why >/dev/termination-log'
    [ "$(nacre exec b cat /empty/sub/file /sub/file /memory/file /dev/shm/file | tr '\n' ' ')" = "a a m s " ]
    [ "$(cat "$pod/log")" = why ]
    # As kubelet changes a ConfigMap: a new directory, then the link, in one step.
    [ "$(nacre exec a cat /config/key)" = one ]
    mkdir "$pod/config/..two"
    echo two >"$pod/config/..two/key"
    ln -s ..two "$pod/config/..new"
    mv -T "$pod/config/..new" "$pod/config/..data"
    wait_until 60 [ "$(nacre exec a sh -c 'sleep 2; cat /config/key')" = two ]
    nacre delete --force b
    nacre delete --force a
    nacre delete --force pod
    umount "$pod/memory" "$pod/shm"
}

@test "unix sockets in a shared volume" {
    mkdir "$BATS_TEST_TMPDIR/volume"
    new_sandbox
    new_member a "$(with_mounts "$BATS_TEST_TMPDIR/volume:/volume")" python3 -c 'import socket
server = socket.socket(socket.AF_UNIX)
server.bind("/volume/socket")
server.listen()
client = server.accept()[0]
client.sendall(client.recv(100).upper())'
    use_debian_root a
    create_and_start a
    new_member b "$(with_mounts "$BATS_TEST_TMPDIR/volume:/volume")" python3 -c 'import os, socket, time
while not os.path.exists("/volume/socket"): time.sleep(0.1)
time.sleep(1)
client = socket.socket(socket.AF_UNIX)
client.connect("/volume/socket")
client.sendall(b"over a socket")
print(client.recv(100).decode())'
    use_debian_root b
    create_and_start b
    wait_until 60 has_status b stopped
    [ "$(cat "$BATS_TEST_TMPDIR/b.out")" = "OVER A SOCKET" ]
    nacre delete --force a
    nacre delete --force b
    # Nothing of the VM holds the file systems of containers that have gone.
    unmount_debian_bundles
    has_status pod running
}

@test "a shared pid namespace: processes see each other, and a container's end is its own" {
    new_sandbox
    new_member a '(.linux.namespaces[] | select(.type == "pid")).path = (.linux.namespaces[] | select(.type == "ipc")).path[:-3] + "pid"' sleep 1001
    create_and_start a
    new_member b '(.linux.namespaces[] | select(.type == "pid")).path = (.linux.namespaces[] | select(.type == "ipc")).path[:-3] + "pid"' sleep 1002
    create_and_start b
    [ "$(nacre exec a readlink /proc/self/ns/pid)" = "$(nacre exec pod readlink /proc/self/ns/pid)" ]
    nacre exec a sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "' | grep -q 'sleep 1002'
    # As containerd's shim ends a container that shares its pid namespace.
    nacre kill --all a KILL
    wait_until 60 has_status a stopped
    has_status b running
    nacre exec b sh -c 'for process in /proc/[0-9]*; do
        tr "\0" " " <$process/cmdline | grep -qx "sleep 1002 " && kill -TERM ${process#/proc/}; done; true'
    wait_until 60 has_status b stopped
    [ "$(nacre state b | jq .exitStatus)" -eq 143 ]
    has_status pod running
}

@test "nothing that is meant for one container ends the pod" {
    new_sandbox
    new_member a . sleep 1000
    create_and_start a
    new_member b . sleep 1000
    create_and_start b
    kill -KILL "$(pid_of a)"
    wait_until 60 has_status a stopped
    nacre exec b true
    nacre delete a
    # The sandbox's own process and its relay may be gone: its VM ends when it is deleted.
    nacre kill pod KILL
    wait_until 60 has_status pod stopped
    nacre exec b true
    nacre delete pod
    wait_until 60 has_status b stopped
    [ "$(nacre state b | jq -r '.exitStatus, .exitCause' | tr '\n' ' ')" = "137 the virtual machine ended " ]
}

@test "when the VM dies, every container of the pod tells the truth" {
    new_sandbox
    new_member a . sleep 1000
    create_and_start a
    new_member b 'del(.linux.namespaces[] | select(.path))' true
    kill -KILL "$(vmm_pids)"
    wait_until 60 has_status a stopped
    wait_until 60 has_status pod stopped
    [ "$(nacre state a | jq -r .exitStatus)" -eq 137 ]
    [ "$(nacre state pod | jq -r .exitStatus)" -eq 137 ]
    [[ "$(nacre state pod | jq -r .exitCause)" == *"killed by signal 9"* ]]
    run nacre create --bundle "$bundle" b
    [ "$status" -eq 1 ]
    [[ "$output" == *"virtual machine of sandbox pod is not running"* ]]
    nacre delete a
    nacre delete pod
}

@test "CRI-O: namespaces that were pinned before the sandbox; the sandbox's id is what tells" {
    local ns=$BATS_TEST_TMPDIR/ns kind
    mkdir "$ns"
    for kind in net ipc uts; do
        : >"$ns/$kind"
        unshare "--$kind" mount --bind "/proc/self/ns/$kind" "$ns/$kind"
    done
    local pinned='.linux.namespaces = [{type: "mount"}, {type: "pid"}, {type: "network", path: ($ns + "/net")},
        {type: "ipc", path: ($ns + "/ipc")}, {type: "uts", path: ($ns + "/uts")}]'
    new_bundle pod sh -c "$pause"
    edit_config "$pinned"' | .hostname = "pinned" | .annotations = {"io.kubernetes.cri-o.ContainerType": "sandbox",
        "io.kubernetes.cri-o.SandboxID": "pod"}' --arg ns "$ns"
    create_and_start pod
    new_bundle a sleep 1000
    edit_config "$pinned"' | del(.hostname) | .annotations = {"io.kubernetes.cri-o.ContainerType": "container",
        "io.kubernetes.cri-o.SandboxID": "pod"}' --arg ns "$ns"
    create_and_start a
    [ "$(vmm_pids | wc -l)" -eq 1 ]
    [ "$(nacre exec a hostname)" = pinned ]
    [ "$(nacre exec a readlink /proc/self/ns/ipc)" = "$(nacre exec pod readlink /proc/self/ns/ipc)" ]
    [ "$(readlink "/proc/$(pid_of a)/ns/net")" = "net:[$(stat -c %i "$ns/net")]" ]
    nacre delete --force a
    nacre delete --force pod
    umount "$ns/net" "$ns/ipc" "$ns/uts"
}

mapped='.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'

# assert_mapped ID: its root is 100000 for files, and its namespaces are the sandbox's.
assert_mapped() {
    local spaces='for kind in user ipc uts net; do readlink /proc/self/ns/$kind; done'
    [ "$(nacre exec "$1" sh -c 'id -u; echo $(cat /proc/self/uid_map); touch /volume/file')" = $'0\n0 100000 65536' ]
    [ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/volume/file")" = 100000:100000 ]
    rm "$BATS_TEST_TMPDIR/volume/file"
    [ "$(nacre exec "$1" sh -c "$spaces")" = "$(nacre exec pod sh -c "$spaces")" ]
}

@test "a pod with a user namespace, as with hostUsers: false: made with the sandbox, or pinned before it" {
    mkdir -m 777 "$BATS_TEST_TMPDIR/volume"
    new_bundle pod sh -c "$pause"
    edit_config '.annotations = {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": "pod"} |
        .linux.namespaces += [{type: "user"}] | '"$mapped"
    create_and_start pod
    new_member a '.linux.namespaces += [{type: "user", path: (.linux.namespaces[2].path[:-3] + "user")}] | '"$mapped |
        $(with_mounts "$BATS_TEST_TMPDIR/volume:/volume")" sleep 1000
    mkdir -p "$bundle/rootfs/volume"
    create_and_start a
    assert_mapped a
    nacre delete --force a
    nacre delete --force pod
    # As CRI-O has it.
    : >"$BATS_TEST_TMPDIR/user"
    unshare --user sleep 1000 3>&- &
    wait_until 10 eval "[ \"\$(readlink /proc/$!/ns/user)\" != \"\$(readlink /proc/self/ns/user)\" ]"
    mount --bind "/proc/$!/ns/user" "$BATS_TEST_TMPDIR/user"
    kill $!
    new_bundle pod sh -c "$pause"
    edit_config '.annotations = {"io.kubernetes.cri-o.ContainerType": "sandbox", "io.kubernetes.cri-o.SandboxID": "pod"} |
        .linux.namespaces += [{type: "user", path: $path}]' --arg path "$BATS_TEST_TMPDIR/user"
    run nacre create --bundle "$bundle" pod
    [ "$status" -eq 1 ]
    [[ $output == *"$BATS_TEST_TMPDIR/user"*uidMappings* ]]
    assert_one_clear_line "$output"
    edit_config "$mapped"
    create_and_start pod
    new_member a ".linux.namespaces += [{type: \"user\", path: \"$BATS_TEST_TMPDIR/user\"}] | $mapped |
        $(with_mounts "$BATS_TEST_TMPDIR/volume:/volume")" sleep 1000
    mkdir -p "$bundle/rootfs/volume"
    create_and_start a
    assert_mapped a
    nacre delete --force a
    nacre delete --force pod
    umount "$BATS_TEST_TMPDIR/user"
}

@test "a container that joins another one's namespaces by its pid, without a word of pods: as podman's pods" {
    new_bundle pod sleep 1000
    create_and_start pod
    new_member a 'del(.annotations)' sleep 1000
    create_and_start a
    [ "$(vmm_pids | wc -l)" -eq 1 ]
    # The VM stays as long as somebody is in it, and no longer.
    nacre kill pod KILL
    wait_until 60 has_status pod stopped
    nacre exec a true
    nacre kill a KILL
    wait_until 60 has_status a stopped
    wait_until 60 [ -z "$(vmm_pids)" ]
    nacre delete a
    nacre delete pod
}

@test "a disk of a pod's container is given back when it is deleted" {
    truncate -s 64M "$BATS_TEST_TMPDIR/volume"
    mkfs.ext4 -q "$BATS_TEST_TMPDIR/volume"
    new_sandbox
    local try
    for try in 1 2 3 4 5 6; do
        new_member a '.mounts += [{type: "ext4", source: "'"$BATS_TEST_TMPDIR"'/volume", destination: "/volume"}]' \
            sh -c "echo $try >>/volume/tries; cat /volume/tries"
        create_and_start a
        wait_until 60 has_status a stopped
        nacre delete a
    done
    [ "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/a.out")" = "1 2 3 4 5 6 " ]
}

@test "what cannot be is refused in one line, and nothing is left of it" {
    new_sandbox
    new_member a '.annotations["io.kubernetes.cri.sandbox-id"] = "nobody"' true
    run nacre create --bundle "$bundle" a
    [ "$status" -eq 1 ]
    assert_one_clear_line "$output"
    [[ "$output" == *"sandbox nobody"*"does not exist"* ]]
    new_member a . /no/such/program
    run nacre create --bundle "$bundle" a
    [ "$status" -eq 1 ]
    [[ "$output" == *"/no/such/program"* ]]
    [ "$(nacre list --quiet)" = pod ]
    run grep -c ' /a/' "/proc/$(vmm_pids)/mountinfo"
    [ "$output" = 0 ]
    has_status pod running
}

@test "podman: a pod's containers talk over localhost, and one is restarted" {
    local image=docker.io/library/nacre-busybox:test
    printf '[containers]\nnetns = "none"\n[engine]\nruntime = "nacre"\ncgroup_manager = "cgroupfs"\n[engine.runtimes]\nnacre = ["%s"]\n' \
        "$(type -P nacre)" >"$BATS_TEST_TMPDIR/containers.conf"
    export CONTAINERS_CONF=$BATS_TEST_TMPDIR/containers.conf
    podman load --quiet --input "$(image_dir)/busybox.oci.tar" 3>&-
    # Not in the cgroup of the pod: with cgroupfs this podman forbids all devices there, for any runtime.
    podman pod create --share-parent=false --name web --network none --infra-image "$image" --infra-command 'sleep 100000' 3>&-
    podman run --detach --pod web --name server "$image" sh -c 'while :; do echo served | nc -l -p 8080; done' 3>&-
    run podman run --rm --pod web "$image" sh -c 'until nc 127.0.0.1 8080 </dev/null | grep served; do sleep 0.2; done' 3>&-
    [ "$output" = served ]
    [ "$(vmm_pids | wc -l)" -eq 1 ]
    podman restart --time 1 server 3>&-
    run podman run --rm --pod web "$image" sh -c 'until nc 127.0.0.1 8080 </dev/null | grep served; do sleep 0.2; done' 3>&-
    [ "$output" = served ]
    [ "$(vmm_pids | wc -l)" -eq 1 ]
    podman pod rm --force --time 1 web 3>&-
    podman rmi --force "$image" 3>&-
    [ -z "$(vmm_pids)" ]
    remember_machine  # podman's own directories stay
}
