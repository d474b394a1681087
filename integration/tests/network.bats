#!/usr/bin/env bats
# Network interfaces: what callers put into a container's network namespace is in the guest. By hand, by CNI plugins, podman, docker.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031 # set by run and helpers; jq and shells of containers expand
# time-limit: 2400
# memory: 4G
load helpers

image=docker.io/library/nacre-busybox:test
docker_image=nacre-busybox:test

setup_file() {
    modprobe --all bridge br_netfilter
    prepare_network_namespaces
    iptables --table nat --list >/dev/null  # makes a file at its first use
}

setup() {
    remember_machine
}

teardown() {
    nacre delete --force box >/dev/null 2>&1
    nacre delete --force other >/dev/null 2>&1
    delete_network_namespaces
    assert_nothing_left
}

# What iproute2 says of a network, without what differs in another namespace: indexes, kinds, states, times.
interfaces() {
    "$@" ip -json address show | jq -S '[.[] | select(.ifname != "lo" and (.ifname | startswith("nacre") | not)) | {ifname, mtu, address, up: (.flags | index("UP") != null),
        addresses: [.addr_info[] | {family, local, address, prefixlen, broadcast, scope}]}]'
}

routes() {
    "$@" ip -json route show | jq -S 'sort_by(tostring)'
    "$@" ip -json -6 route show | jq -S 'map(del(.pref)) | sort_by(tostring)'
}

neighbours() {
    "$@" ip -json neigh show nud permanent | jq -S 'map({dst, dev, lladdr}) | sort_by(.dst)'
}

# assert_same_network NAMESPACE: the guest's network is the namespace's.
assert_same_network() {
    local what
    for what in interfaces routes neighbours; do
        diff <($what ip netns exec "$1") <($what in_box)
    done
}

@test "the guest has the namespace's interface: name, address, MTU, IP addresses, routes, neighbours" {
    network_namespace box 91
    ip link set host91 mtu 1400
    ip -n box link set eth0 mtu 1400 address 02:00:00:00:91:02
    ip -n box address add 10.91.7.1/32 dev eth0
    ip -n box address add 10.91.8.1 peer 10.91.8.2/32 dev eth0
    ip -n box route add 10.91.9.0/24 via 10.91.0.7 src 10.91.7.1 metric 50
    ip -n box route add 10.91.10.0/24 via 192.0.2.1 dev eth0 onlink
    ip -n box route add blackhole 10.91.11.0/24
    ip -n box -6 route add fd91:1::/64 via fd91::7 metric 77
    ip -n box neigh add 10.91.0.7 lladdr 02:00:00:00:00:07 dev eth0 nud permanent
    ip -n box neigh add fd91::7 lladdr 02:00:00:00:00:07 dev eth0 nud permanent
    network_bundle box sleep 1000
    start_box
    assert_same_network box
    in_box ping -c 2 10.91.0.1
    in_box ping -c 2 fd91::1
    ping -c 2 10.91.0.2
    ping -c 2 fd91::2
}

@test "netDevices: interfaces of the host move into the namespace, with names, addresses, MTU and MAC address" {
    ip netns add box
    ip link add moved0 type dummy
    ip link set moved0 mtu 1789 address 02:00:00:00:88:01
    ip address add 10.88.0.1/24 dev moved0
    ip address add 127.0.0.33 dev moved0
    ip link add moved1 type dummy
    network_bundle box sleep 1000
    edit_config '.linux.netDevices = {"moved0": {}, "moved1": {"name": "net7"}}'
    start_box
    [ ! -e /sys/class/net/moved0 ]
    [ ! -e /sys/class/net/moved1 ]
    assert_same_network box
    in_box ip address show dev net7
    [ "$(in_box ip -json address show dev moved0 | jq -c '.[] | [.mtu, .address, [.addr_info[] | select(.family == "inet") | .local]]')" = \
        '[1789,"02:00:00:00:88:01",["10.88.0.1"]]' ]
    # The owner of the namespace has them back.
    nacre delete --force box
    ip -n box link show dev net7
    ip -n box link set moved0 netns 1
    ip link delete moved0
}

assert_refused() {
    run nacre create --bundle "$bundle" box
    [ "$status" -eq 1 ]
    [[ "$output" == *"$1"* ]]
}

@test "netDevices that do not exist, or have nowhere to go, are refused" {
    ip netns add box
    network_bundle box sleep 1000
    edit_config '.linux.netDevices = {"nosuch0": {}}'
    assert_refused 'move network device nosuch0 into the container: the host has no such device'
    edit_config '.linux.netDevices = {"lo": {}}'
    assert_refused 'loopback'
    edit_config '.linux.netDevices = {"a b": {}}'
    assert_refused 'invalid network device name'
    edit_config '.linux.netDevices = {"eth0": {}} | .linux.namespaces |= map(select(.type != "network"))'
    assert_refused 'without a private NET namespace'
}

@test "a network as ptp and Calico make it: no route to the address's network, a gateway on the link" {
    ip netns add box
    ip link add host92 type veth peer name eth0 netns box
    ip link set host92 up
    ip -n box address add 10.92.0.2/24 dev eth0
    ip -n box link set eth0 up
    ip -n box route delete 10.92.0.0/24
    ip -n box route add 169.254.1.1 dev eth0 scope link
    ip -n box route add default via 169.254.1.1
    ip address add 169.254.1.1/32 dev host92
    ip route add 10.92.0.2 dev host92
    network_bundle box sleep 1000
    start_box
    assert_same_network box
    ping -c 2 10.92.0.2
}

# transfer FROM… -- TO…: a file goes over TCP unchanged; $file names it on both sides.
assert_transfer() {
    local receiver=$1 host=$2 port=$3
    local sum
    if [ "$receiver" = box ]; then
        in_box python3 /tests/traffic.py receive "$port" >"$BATS_TEST_TMPDIR/sum" 3>&- &
        wait_until 60 eval "nacre exec box cat /proc/net/tcp6 | grep -qi ':$(printf %04x "$port") .* 0A '"
        python3 "$integration_dir/tests/network/traffic.py" send "$host" "$port" "$BATS_TEST_TMPDIR/data"
    else
        python3 "$integration_dir/tests/network/traffic.py" receive "$port" >"$BATS_TEST_TMPDIR/sum" 3>&- &
        wait_until 60 eval "grep -qi ':$(printf %04x "$port") .* 0A ' /proc/net/tcp6"
        in_box python3 /tests/traffic.py send "$host" "$port" /tmp/data
    fi
    wait $!
    sum=$(md5sum <"$BATS_TEST_TMPDIR/data" | cut -d ' ' -f 1)
    [ "$(cat "$BATS_TEST_TMPDIR/sum")" = "$sum $(stat --format %s "$BATS_TEST_TMPDIR/data")" ]
}

# assert_traffic NUMBER: TCP in bulk and UDP in fragments, both ways, IPv4 and IPv6.
assert_traffic() {
    head --bytes 110M /dev/urandom >"$BATS_TEST_TMPDIR/data"
    assert_transfer box "10.$1.0.2" 7001
    assert_transfer host "10.$1.0.1" 7002
    assert_transfer box "fd$1::2" 7003
    assert_transfer host "fd$1::1" 7004
    nacre exec --detach box python3 /tests/traffic.py echo 7005
    run python3 "$integration_dir/tests/network/traffic.py" datagrams "10.$1.0.2" 7005 8192 50
    [ "$output" = "all came back" ]
    run python3 "$integration_dir/tests/network/traffic.py" datagrams "fd$1::2" 7005 60000 10
    [ "$output" = "all came back" ]
}

@test "TCP in bulk and UDP in fragments, both ways, at an MTU of 1500, without vhost-net" {
    rmmod vhost_net  # not modprobe, which would remove tun as well
    network_namespace box 93
    network_bundle box sleep 1000
    start_box
    assert_traffic 93
    modprobe vhost_net
}

@test "TCP in bulk and UDP in fragments, both ways, at an MTU of 9000, with vhost-net" {
    modprobe vhost_net
    network_namespace box 94
    ip link set host94 mtu 9000
    ip -n box link set eth0 mtu 9000
    network_bundle box sleep 1000
    start_box
    [ "$(in_box cat /sys/class/net/eth0/mtu)" = 9000 ]
    pgrep '^vhost-'
    assert_traffic 94
}

@test "two interfaces, of any name and order" {
    network_namespace box 95
    add_interface box 96 net1
    ip -n box link set eth0 down
    ip -n box link set eth0 name eth1
    ip -n box link set net1 down
    ip -n box link set net1 name eth0
    ip -n box link set eth0 up
    ip -n box link set eth1 up
    ip -n box route add default via 10.96.0.1
    ip -n box -6 address add fd96::2/64 dev eth0 nodad
    sleep 3  # their link-local addresses are made anew
    network_bundle box sleep 1000
    start_box
    assert_same_network box
    ping -c 2 10.95.0.2
    ping -c 2 10.96.0.2
    in_box ping -c 2 10.95.0.1
    in_box ping -c 2 10.96.0.1
}

@test "as many interfaces as a caller has put into a namespace that it names; too many are refused in one line" {
    local number
    network_namespace box 80
    for number in {1..4}; do ip -n box link add "net$number" type dummy; done
    network_bundle box sleep 1000
    start_box
    [ "$(in_box ls /sys/class/net | xargs)" = "eth0 lo net1 net2 net3 net4" ]
    nacre delete --force box
    for number in {5..13}; do ip -n box link add "net$number" type dummy; done
    run -1 nacre create --bundle "$bundle" box
    [[ $output == *"14 network interfaces"*"room for 13"* ]]
    assert_one_clear_line "$output"
}

@test "an interface that comes between create and start" {
    network_bundle none sleep 1000
    edit_config 'del((.linux.namespaces[] | select(.type == "network")).path)'
    nacre create --bundle "$bundle" --pid-file "$BATS_TEST_TMPDIR/pid" box </dev/null >/dev/null 2>&1 3>&-
    ip netns attach box "$(cat "$BATS_TEST_TMPDIR/pid")"
    add_interface box 97 eth0
    nacre start box
    assert_same_network box
    ping -c 2 10.97.0.2
}

@test "with a user namespace the interface is in the container's own network namespace" {
    network_namespace box 98
    network_bundle box sleep 1000
    edit_config '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
    start_box
    assert_same_network box
    ping -c 2 10.98.0.2
}

@test "after the container the namespace has its interface back, and may have another container" {
    network_namespace box 99
    network_bundle box sleep 1000
    start_box
    ping -c 1 10.99.0.2
    mkdir "$BATS_TEST_TMPDIR/second"
    run nacre run --bundle "$bundle" other
    [ "$status" -eq 1 ]
    [[ $output == *"another container"* ]]
    assert_one_clear_line "$output"
    ping -c 1 10.99.0.2
    nacre delete --force box
    [ -z "$(tc -n box qdisc show dev eth0 ingress)" ]
    [ "$(ip -n box -json link | jq -r '.[].ifname' | sort | xargs)" = "eth0 lo" ]
    ping -c 1 10.99.0.2  # the host's own answer
    start_box
    ping -c 1 10.99.0.2
    # Its relay is killed, and cannot give the interface back.
    kill -KILL "$(nacre state box | jq .pid)"
    wait_until 60 has_status box stopped
    nacre delete box
    start_box
    ping -c 1 10.99.0.2
}

@test "the network of the host: refused in one line to who names it, a warning and a loopback interface without a namespace" {
    new_bundle box ip link
    edit_config 'del(.linux.namespaces[] | select(.type == "network"))'
    run --separate-stderr -0 nacre run --bundle "$bundle" box
    [[ $stderr == *"network of the host"* ]]
    [[ $output == *lo:* ]]
    [[ $output != *eth0* ]]
    edit_config '.linux.namespaces += [{type: "network", path: "/proc/1/ns/net"}]'
    run -1 nacre run --bundle "$bundle" box
    [[ $output == *"network of the host"*io.nacre.net.host=loopback* ]]
    assert_one_clear_line "$output"
    edit_config '.annotations["io.nacre.net.host"] = "loopback"'
    run -0 nacre run --bundle "$bundle" box
    [[ $output == *lo:* ]]
}

# As `kubectl port-forward` does: from within the namespace, to its localhost.
@test "localhost of the namespace is the guest's: services there are reached, whatever they are bound to" {
    network_namespace box 90
    network_bundle box sh -c 'busybox httpd -p 127.0.0.1:8000 -h /www; busybox httpd -p [::1]:8001 -h /www
        exec busybox httpd -f -p 10.90.0.2:8002 -h /www'
    mkdir "$bundle/rootfs/www"
    head --bytes 5M /dev/urandom >"$bundle/rootfs/www/data"
    echo served >"$bundle/rootfs/www/index.html"
    start_box
    wait_until 60 busybox wget -q -O - http://10.90.0.2:8002/  # the last one
    [ "$(ip netns exec box busybox wget -q -O - http://127.0.0.1:8000/)" = served ]
    [ "$(ip netns exec box busybox wget -q -O - "http://[::1]:8001/")" = served ]
    [ "$(ip netns exec box busybox wget -q -O - http://127.0.0.1:8001/)" = served ]  # as kubectl tries IPv4 first
    ip netns exec box busybox wget -q -O - http://127.0.0.1:8000/data | cmp - "$bundle/rootfs/www/data"
    run ! ip netns exec box busybox wget -q -O - http://127.0.0.1:8003/
    [ "$(busybox wget -q -O - http://10.90.0.2:8002/)" = served ]
    # Not the localhost of this machine.
    run ! busybox wget -q -O - http://127.0.0.1:8000/
}

# cni COMMAND: the plugins bridge and portmap, one after the other, for the namespace box; port 8080 of this machine is 80 of it.
cni() {
    local plugin result='null'
    for plugin in bridge portmap; do
        result=$(jq --null-input --argjson result "$result" --arg plugin "$plugin" '{cniVersion: "0.4.0", name: "test", type: $plugin}
            + if $plugin == "bridge" then {bridge: "cni-test", isGateway: true, ipMasq: true, hairpinMode: true,
                    ipam: {type: "host-local", ranges: [[{subnet: "10.61.0.0/16"}]], routes: [{dst: "0.0.0.0/0"}]}}
                else {capabilities: {portMappings: true}, runtimeConfig: {portMappings:
                    [{hostPort: 8080, containerPort: 80, protocol: "tcp"}]}, prevResult: $result} end' |
            env CNI_COMMAND="$1" CNI_CONTAINERID=box CNI_NETNS=/run/netns/box CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni "/usr/lib/cni/$plugin")
        result=${result:-null}
    done
}

@test "CNI: bridge and portmap; a server in the container is reached by its address and by the port of the host" {
    ip netns add box
    cni ADD
    network_bundle box busybox httpd -f -p 80 -h /www
    mkdir "$bundle/rootfs/www"
    echo served >"$bundle/rootfs/www/index.html"
    start_box
    address=$(ip -n box -json address show dev eth0 | jq -r '.[0].addr_info[] | select(.family == "inet").local')
    wait_until 60 busybox wget -q -O - "http://$address/"
    [ "$(busybox wget -q -O - "http://$address/")" = served ]
    [ "$(busybox wget -q -O - http://10.61.0.1:8080/)" = served ]
    in_box ping -c 2 10.61.0.1
    nacre delete --force box
    cni DEL
    ip link delete cni-test
}

# A server that answers "served" on port 80.
serve='mkdir -p /www; echo served >/www/index.html; exec httpd -f -p 80 -h /www'

podman() {
    CONTAINERS_CONF=$BATS_TEST_TMPDIR/containers.conf timeout --kill-after=5 300 podman "$@" 3>&-
}

write_podman_configuration() {
    cat >"$BATS_TEST_TMPDIR/containers.conf" <<TOML
[engine]
runtime = "nacre"
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["nacre"]
[engine.runtimes]
nacre = ["$(type -P nacre)"]
[network]
network_backend = "cni"
TOML
}

@test "podman: its default network, published ports, containers that reach each other and their gateway" {
    write_podman_configuration
    podman load --quiet --input "$(image_dir)/busybox.oci.tar"
    podman run --rm --memory 64m "$image" true
    remember_machine
    podman run --detach --name box --publish 8081:80 "$image" sh -c "$serve" >/dev/null
    address=$(podman inspect --format '{{.NetworkSettings.IPAddress}}' box)
    gateway=$(podman inspect --format '{{.NetworkSettings.Gateway}}' box)
    wait_until 60 busybox wget -q -O - "http://$address/"
    [ "$(busybox wget -q -O - "http://$gateway:8081/")" = served ]
    podman exec box ping -c 2 "$gateway"
    [ "$(podman run --rm "$image" wget -q -O - "http://$address/")" = served ]
    podman restart --time 0 box
    address=$(podman inspect --format '{{.NetworkSettings.IPAddress}}' box)
    wait_until 60 busybox wget -q -O - "http://$address/"
    podman rm --force --time 0 box
    assert_nothing_left
    ip link delete cni-podman0
    remember_machine
}

docker() {
    timeout --kill-after=5 300 docker "$@" 3>&-
}

start_docker() {
    printf '{"runtimes": {"nacre": {"path": "%s"}}, "default-runtime": "nacre"}\n' "$(type -P nacre)" >"$BATS_TEST_TMPDIR/daemon.json"
    dockerd --config-file "$BATS_TEST_TMPDIR/daemon.json" >"$BATS_TEST_TMPDIR/dockerd.log" 2>&1 3>&- &
    echo $! >"$BATS_TEST_TMPDIR/dockerd.pid"
    wait_until 60 docker version
    "$integration_dir/lib/busybox-bundle" "$BATS_TEST_TMPDIR/image" true
    tar -C "$BATS_TEST_TMPDIR/image/rootfs" -c . | docker import - "$docker_image"
}

stop_docker() {
    kill "$(cat "$BATS_TEST_TMPDIR/dockerd.pid")"
    wait_until 60 eval '! pgrep -x dockerd'
    ip link delete docker0
}

@test "docker: its default bridge, published ports, containers that reach each other and the host" {
    start_docker
    docker run --rm "$docker_image" true
    remember_machine
    docker run --detach --name box --publish 8082:80 "$docker_image" sh -c "$serve" >/dev/null
    address=$(docker inspect --format '{{.NetworkSettings.IPAddress}}' box)
    gateway=$(docker inspect --format '{{.NetworkSettings.Gateway}}' box)
    wait_until 60 busybox wget -q -O - "http://$address/"
    [ "$(busybox wget -q -O - "http://$gateway:8082/")" = served ]
    docker exec box ping -c 2 "$gateway"
    [ "$(docker run --rm "$docker_image" wget -q -O - "http://$address/")" = served ]
    docker restart --time 0 box
    wait_until 60 busybox wget -q -O - "http://$address/"
    docker rm --force box
    assert_nothing_left
    stop_docker
    remember_machine
}

# A DNS message that asks for the address of the name box, as TCP has it.
question_for_box='\0\25\1\1\1\0\0\1\0\0\0\0\0\0\3box\0\0\1\0\1'

@test "docker: on a network of the user's, containers find each other by name, and what a name server outside knows" {
    start_docker
    docker network create --subnet 172.30.0.0/24 --gateway 172.30.0.1 named
    docker run --rm --network named "$docker_image" true
    remember_machine
    python3 "$integration_dir/tests/network/name_server.py" 172.30.0.1 outside.test 192.0.2.7 3>&- &
    name_server=$!
    docker run --detach --network named --name box "$docker_image" sh -c "$serve" >/dev/null
    run docker run --rm --network named --dns 172.30.0.1 "$docker_image" sh -c "grep nameserver /etc/resolv.conf
        until wget -q -O - http://box/; do sleep 0.2; done
        printf '$question_for_box' | nc 127.0.0.11 53 | tail -c 4 | od -An -tu1
        nslookup -type=a outside.test
        nc -w 2 127.0.0.11 54 </dev/null || echo no other port"
    kill "$name_server"
    [ "${lines[0]}" = "nameserver 127.0.0.11" ]
    [ "${lines[1]}" = served ]
    [[ ${lines[2]} =~ ^\ *172\ +30\ +0\ +2$ ]]
    [[ $output == *192.0.2.7* ]]
    [[ $output == *"no other port" ]]
    docker rm --force box
    assert_nothing_left
    docker network rm named
    stop_docker
    remember_machine
}
