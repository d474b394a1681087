#!/usr/bin/env python3
"""usage.py PID: what a nacre-vmm holds, one `name number` a line, as the host's kernel counts it.

own_kib is its resident memory without the guest's RAM, which is the longest stretch of writable mappings;
the guest may have all of that.
"""
import os
import sys


def mappings(pid):
    """(start, end, permissions, resident KiB) of each mapping."""
    found = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as smaps:
        for line in smaps:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                start, end = (int(part, 16) for part in words[0].split("-"))
                found.append([start, end, words[1], 0])
            elif words[0] == "Rss:":
                found[-1][3] = int(words[1])
    return found


def guest_ram(found):
    """Resident KiB of the longest stretch of writable mappings."""
    longest, ram, length, resident, last_end = 0, 0, 0, 0, None
    for start, end, permissions, rss in found:
        if not permissions.startswith("rw"):
            last_end = None
            continue
        if start != last_end:
            length = resident = 0
        length, resident, last_end = length + end - start, resident + rss, end
        if length > longest:
            longest, ram = length, resident
    return ram


def main():
    pid = sys.argv[1]
    found = mappings(pid)
    total = sum(rss for *_, rss in found)
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    print("total_kib", total)
    print("own_kib", total - guest_ram(found))
    print("threads", len(os.listdir(f"/proc/{pid}/task")))
    print("descriptors", len(os.listdir(f"/proc/{pid}/fd")))
    print("cpu_ms", ticks * 1000 // os.sysconf("SC_CLK_TCK"))


main()
