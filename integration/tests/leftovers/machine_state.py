#!/usr/bin/env python3
"""Everything of the machine that a container run may leave behind, one thing a line, sorted: processes, namespaces with
their mounts, virtual machines, mounts, cgroups, state and temporary files, sockets, keys, network devices.

  machine_state.py OWN   OWN is the directory of the test run, which does not count; nor do kernel threads and the test's processes

One process for all, since each costs a tenth of a second or more in the lab."""
import os
import re
import sys

own = sys.argv[1]
# What the lab, docker and mount(8) keep for themselves.
apart = re.compile(r"/run/lab|/run/docker/netns|/run/mount$")
watched = re.compile(rb"nacre|containerd-shim|qemu")
tests = re.compile(rb"^timeout|bats|machine_state")


def lines_of(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []


def processes():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").strip()
        except OSError:
            continue
        if watched.search(command) and not tests.search(command):
            yield "process " + command.decode(errors="replace")
        yield from namespaces(f"/proc/{pid}")


def namespaces(process):
    """Those that the process is in; of its mount namespace, how many mounts it holds as well."""
    try:
        for name in os.listdir(process + "/ns"):
            namespace = os.readlink(f"{process}/ns/{name}")
            if namespace in counted:
                continue
            counted.add(namespace)
            yield "namespace " + namespace
            if namespace.startswith("mnt:"):
                yield f"mounts of {namespace} {len(lines_of(process + '/mountinfo'))}"
    except OSError:
        pass  # it has ended


counted = set()


def sockets():
    for line in lines_of("/proc/net/unix"):
        words = line.split()
        if len(words) == 8 and own not in words[7] and not words[7].endswith("/docker.sock"):
            yield "socket " + words[7]


def mounts():
    for line in lines_of("/proc/self/mountinfo"):
        words = line.split()
        if not words[4].startswith(own):
            yield " ".join(["mount", words[4], *words[8:10]])


def tree(top, word, keep=lambda path: True, files=False):
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if keep(f"{folder}/{name}")]
        for name in folders + (names if files else []):
            if keep(f"{folder}/{name}"):
                yield f"{word} {folder}/{name}"


def everything():
    yield from processes()
    yield from sockets()
    yield from mounts()
    yield from ("keys " + line.split()[3] for line in lines_of("/proc/key-users") if line.split()[0] == "0:")
    yield from tree("/sys/fs/cgroup", "cgroup")
    for top in "/run", "/tmp", "/dev/shm":
        yield from tree(top, "file", lambda path: path != own and path != "/run/nacre" and not apart.match(path), files=True)
    yield from tree("/run/nacre", "file", files=True)
    if os.path.isdir("/sys/kernel/debug/kvm"):
        yield from ("vm " + entry.name for entry in os.scandir("/sys/kernel/debug/kvm") if entry.is_dir())
    yield from ("net " + name for name in os.listdir("/sys/class/net"))


print("\n".join(sorted(everything())))
