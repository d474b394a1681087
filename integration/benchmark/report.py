"""Turns the lines that measure.sh printed into a table, JSON, an SVG plot and the README's block of numbers."""
import argparse
import json
import re
import statistics
import sys

# What a success looks like: true ends with 0, and the init in QEMU leaves through the debug port with 11.
RUNTIMES = ["nacre", "crun", "runc"]
EXPECTED_STATUS = {"boot_qemu": 11, **{f"{what}_{runtime}": 0 for what in ["run", "exec", "stdout", "parallel"]
                                       for runtime in RUNTIMES}}
STDOUT_MIB = 64  # what each stdout_ measurement copies
BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"


def parse(lines):
    """Samples (seconds by label), VMM figures of each nacre run, PSS in KiB, smaps lines, sizes in bytes."""
    data = {"runs": {label: [] for label in EXPECTED_STATUS}, "stats": [], "pss": {}, "smaps": [], "sizes": {}}
    for line in lines:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "counting":
            data["runs"] = {label: [] for label in EXPECTED_STATUS}
            data["stats"] = []
        elif word in EXPECTED_STATUS:
            start, took, status, peak = map(int, rest.split())
            if status != EXPECTED_STATUS[word]:
                sys.exit(f"bench: {word} ended with status {status}, expected {EXPECTED_STATUS[word]}")
            data["runs"][word].append({"start_ns": start, "took_ns": took, "peak_kib": peak})
        elif word == "stats":
            data["stats"].append(json.loads(rest))
        elif word == "pss":
            name, kib = rest.split()
            data["pss"][name] = data["pss"].get(name, 0) + int(kib)
        elif word == "smaps":
            data["smaps"].append(rest)
        elif word == "size":
            name, size = rest.split()
            data["sizes"][name] = int(size)
        elif word == "failed":
            sys.exit(f"bench: {rest} failed")
    data["runs"] = {label: runs for label, runs in data["runs"].items() if runs or not label.startswith("parallel")}
    missing = [label for label, runs in data["runs"].items() if not runs]
    if missing or not data["smaps"] or len(data["stats"]) != len(data["runs"]["run_nacre"]):
        sys.exit(f"bench: measurements are missing: {', '.join(missing) or 'memory or figures of the VMM'}")
    return data


def mappings(smaps):
    """Mappings as dicts with start, end, reserved (address space alone), name, private (bytes)."""
    result = []
    for line in smaps:
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ *(.*)", line)
        if head:
            result.append({"start": int(head[1], 16), "end": int(head[2], 16), "reserved": head[3] == "---p", "name": head[4], "private": 0})
        elif line.startswith(("Private_Clean:", "Private_Dirty:")):
            result[-1]["private"] += int(line.split()[1]) * 1024
    return result


def private_without_guest(smaps):
    """Private memory of the VMM but for guest RAM: the largest anonymous mapping and what touches it (the guest kernel's
    file is mapped into the middle of RAM, which splits it)."""
    maps = mappings(smaps)
    largest = max((m for m in maps if not m["name"] and not m["reserved"]), key=lambda m: m["end"] - m["start"])
    guest = {id(largest)}
    start, end = largest["start"], largest["end"]
    grown = True
    while grown:
        grown = False
        for m in maps:
            if id(m) not in guest and (not m["name"] or "vmlinux" in m["name"]) and (m["end"] == start or m["start"] == end):
                guest.add(id(m))
                start, end = min(start, m["start"]), max(end, m["end"])
                grown = True
    return sum(m["private"] for m in maps if id(m) not in guest)


def phases_of(run, stats):
    """Seconds of each phase of one nacre run, in order."""
    at = stats["phases_ns"]
    ends = [
        ("command line", at["process_start"]),
        ("VMM start", at["first_run"]),
        ("kernel boot", at["agent_started"]),
        ("agent", at["agent_connected"]),
        ("container start", at["container_started"]),
        ("container, guest shutdown", at["end"]),
        ("teardown", run["start_ns"] + run["took_ns"]),
    ]
    phases, previous = [], run["start_ns"]
    for name, end in ends:
        phases.append((name, (end - previous) / 1e9))
        previous = end
    return phases


def evaluate(data):
    seconds = {label: [r["took_ns"] / 1e9 for r in runs] for label, runs in data["runs"].items()}
    to_agent = [(s["phases_ns"]["agent_connected"] - s["phases_ns"]["first_run"]) / 1e9 for s in data["stats"]]
    every = [phases_of(r, s) for r, s in zip(data["runs"]["run_nacre"], data["stats"])]
    phases = [(every[0][i][0], statistics.median(p[i][1] for p in every)) for i in range(len(every[0]))]
    median = statistics.median
    throughput = {f"{runtime}_stdout": STDOUT_MIB / (median(seconds[f"stdout_{runtime}"]) - median(seconds[f"exec_{runtime}"]))
                  for runtime in RUNTIMES}
    exits = {kind: median(s["exits"].get(kind, 0) for s in data["stats"]) for kind in data["stats"][0]["exits"]}
    single = {"nacre_run_true": seconds["run_nacre"], "runc_run_true": seconds["run_runc"],
              "crun_run_true": seconds["run_crun"], "qemu_microvm_boot": seconds["boot_qemu"],
              "nacre_kvm_run_to_agent": to_agent,
              **{f"{runtime}_exec_true": seconds[f"exec_{runtime}"] for runtime in RUNTIMES},
              **{f"{runtime}_parallel_runs": seconds[f"parallel_{runtime}"] for runtime in RUNTIMES
                 if f"parallel_{runtime}" in seconds}}
    return {
        "virtual_s": {name: median(values) for name, values in single.items()},
        "bytes": {"vmm_private": private_without_guest(data["smaps"]),
                  "idle_container_all": sum(data["pss"].values()) * 1024,
                  "binaries": sum(data["sizes"].values())},
        "mib_per_virtual_s": throughput,
        "single_runs_virtual_s": single,
        "phases_virtual_s": dict(phases),
        "exits": exits,
        "binaries_bytes": data["sizes"],
        "idle_container_pss_kib": data["pss"],
        "peak_rss_kib": {label: median(r["peak_kib"] for r in runs) for label, runs in data["runs"].items()},
    }


def table(result):
    """Rows of (what, measured, target, verdict)."""
    seconds, size = result["virtual_s"], result["bytes"]
    mib = 1024 * 1024

    def row(what, value, unit, limit=None):
        target = f"≤ {limit:.3f} {unit}" if limit is not None else ""
        verdict = "" if limit is None else "met" if value <= limit else "missed"
        return what, f"{value:.3f} {unit}", target, verdict

    return [
        row("`nacre run true`", seconds["nacre_run_true"], "s", 2 * seconds["runc_run_true"]),
        row("`runc run true`", seconds["runc_run_true"], "s"),
        row("`crun run true`", seconds["crun_run_true"], "s"),
        row("QEMU microvm, same kernel, boot to init", seconds["qemu_microvm_boot"], "s"),
        row("nacre: KVM_RUN to agent ready", seconds["nacre_kvm_run_to_agent"], "s", 0.12),
        row("`nacre exec true`, container running", seconds["nacre_exec_true"], "s", 1.5 * seconds["crun_exec_true"]),
        row("`crun exec true`", seconds["crun_exec_true"], "s"),
        row("`runc exec true`", seconds["runc_exec_true"], "s"),
        *[row(f"10 × `{runtime} run true` at once", seconds[f"{runtime}_parallel_runs"], "s") for runtime in RUNTIMES
          if f"{runtime}_parallel_runs" in seconds],
        row("nacre: bytes through a container's stdout", result["mib_per_virtual_s"]["nacre_stdout"], "MiB/s"),
        row("runc: bytes through a container's stdout", result["mib_per_virtual_s"]["runc_stdout"], "MiB/s"),
        row("private memory of nacre-vmm", size["vmm_private"] / mib, "MiB", 5),
        row("all memory of an idle container", size["idle_container_all"] / mib, "MiB", 40),
        row("nacre, nacre-vmm and agent, stripped", size["binaries"] / mib, "MiB", 5),
    ]


def markdown(result):
    lines = ["Virtual seconds are executed instructions at 2 ns each (1 vCPU, 128 MiB, cold boot); medians.", "",
             "| what | measured | target | |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in table(result)]
    lines += ["", "Exits to user space in one run: " + ", ".join(f"{k} {v:g}" for k, v in result["exits"].items() if v) + ".",
              "Where one `nacre run true` goes: " +
              ", ".join(f"{name} {seconds:.3f} s" for name, seconds in result["phases_virtual_s"].items()) + "."]
    return "\n".join(lines)


def plain(result):
    rows = table(result)
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    text += ["", "phases of nacre run true (virtual s):"]
    text += [f"  {name:<28}{seconds:8.3f}" for name, seconds in result["phases_virtual_s"].items()]
    text += ["exits to user space: " + ", ".join(f"{k} {v:g}" for k, v in result["exits"].items())]
    return "\n".join(text).replace("`", "")


def svg(result):
    colours = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b07aa1", "#9c755f"]
    phases = list(result["phases_virtual_s"].items())
    total = sum(seconds for _, seconds in phases)
    width, left = 760, 20
    parts, x = [], float(left)
    for (name, seconds), colour in zip(phases, colours):
        length = seconds / total * (width - 2 * left)
        parts.append(f'<rect x="{x:.1f}" y="40" width="{length:.1f}" height="40" fill="{colour}"/>')
        x += length
    for i, ((name, seconds), colour) in enumerate(zip(phases, colours)):
        y = 110 + 22 * i
        parts.append(f'<rect x="{left}" y="{y - 11}" width="14" height="14" fill="{colour}"/>'
                     f'<text x="{left + 22}" y="{y}">{name}: {seconds:.3f} s ({seconds / total:.0%})</text>')
    height = 120 + 22 * len(phases)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="13">'
            f'<rect width="100%" height="100%" fill="white"/>'
            f'<text x="{left}" y="26">nacre run true: {total:.3f} virtual seconds</text>{"".join(parts)}</svg>\n')


def rewrite_readme(path, text):
    with open(path, encoding="utf-8") as file:
        content = file.read()
    if BEGIN not in content or END not in content:
        sys.exit(f"bench: {path} has no benchmark markers")
    before, rest = content.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--svg")
    parser.add_argument("--readme")
    parser.add_argument("measurements")
    options = parser.parse_args()
    with open(options.measurements, encoding="utf-8") as file:
        result = evaluate(parse(file))
    print(plain(result))
    for path, text in [(options.json, json.dumps(result, indent=2) + "\n"), (options.svg, svg(result))]:
        if path:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    if options.readme:
        rewrite_readme(options.readme, markdown(result))


main()
