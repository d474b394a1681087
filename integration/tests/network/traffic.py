#!/usr/bin/env python3
"""Traffic with a known content, on either side of a container's interface.

  traffic.py receive PORT              takes one TCP connection, prints the MD5 sum and the length of what came
  traffic.py send HOST PORT FILE       sends the file over TCP
  traffic.py echo PORT                 sends every UDP datagram back, until killed
  traffic.py datagrams HOST PORT SIZE COUNT   sends datagrams to an echo and compares what comes back; one lost is asked for again
"""
import hashlib
import os
import socket
import sys


def receive(port):
    with socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        server.settimeout(120)
        connection, _ = server.accept()
    connection.settimeout(120)
    digest, length = hashlib.md5(), 0
    while data := connection.recv(1 << 20):
        digest.update(data)
        length += len(data)
    print(digest.hexdigest(), length)


def send(host, port, path):
    with socket.create_connection((host, int(port)), timeout=120) as connection, open(path, "rb") as file:
        connection.sendfile(file)


def echo(port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", int(port)))
    while True:
        data, address = server.recvfrom(65536)
        server.sendto(data, address)


def datagrams(host, port, size, count):
    client = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((host, int(port)))
    client.settimeout(5)
    for number in range(int(count)):
        data = number.to_bytes(4, "big") + os.urandom(int(size) - 4)
        for attempt in range(10):
            client.send(data)
            try:
                while (answer := client.recv(65536))[:4] != data[:4]:
                    pass
            except (TimeoutError, ConnectionRefusedError):
                continue
            if answer != data:
                sys.exit(f"datagram {number} came back changed")
            break
        else:
            sys.exit(f"datagram {number} did not come back")
    print("all came back")


globals()[sys.argv[1]](*sys.argv[2:])
