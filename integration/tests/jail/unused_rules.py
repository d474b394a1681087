"""Names the rules of nacre-vmm's system call filters that no recorded call needed.

Usage: unused_rules.py RULES TRACE…: RULES as `nacre-vmm --syscall-rules` prints them, TRACE as `strace -f -X raw` does. Every kind of
thread that a rule is for must have needed it, but the event loop where there are others: it hands what they may on to them. Of
rules for all threads one thread is enough. Rules that are marked as rare, or as absent, are not looked for. The exit status is 1 if
there is an unused one.
"""
import re
import sys

CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
SET_NAME = re.compile(r'^(\d+) +prctl\(0xf, "([a-z-]+)')
KIND_OF_NAME = {"vcpu": "vcpu", "virtio-blk": "block", "virtio-net": "network", "virtio-fs": "file_server"}
SET_SECCOMP = 22


def number(text):
    match = re.match(r"(?:flags=)?-?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)", text.strip())
    if not match:
        return None
    digits = match.group(1)
    value = int(digits, 8) if re.fullmatch("0[0-7]+", digits) else int(digits, 0)
    return value & 0xffffffff


def arguments_of(name, text):
    """The first four arguments, as far as they are plain numbers; of clone, the flags, which strace shows second."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    while "{" in text and re.search(r"\{[^{}]*\}", text):
        text = re.sub(r"\{[^{}]*\}", "structure", text)
    words = text.split(", ")[:4]
    if name == "clone":
        words = [word for word in words if word.startswith("flags=")]
    return tuple(number(word) for word in words)


def filtered_threads(lines):
    """From which line on each thread is under a filter: since its own call, or from its birth, if another one was under a filter
    by then, since only those start threads."""
    first = {}
    since = {}
    for position, line in enumerate(lines):
        call = CALL.match(line)
        if not call:
            continue
        thread = call.group(1)
        first.setdefault(thread, position)
        if call.group(2) == "prctl" and arguments_of("prctl", call.group(3))[:1] == (SET_SECCOMP,):
            since.setdefault(thread, position + 1)
    earliest = min(since.values(), default=0)
    return {thread: first[thread] if first[thread] > earliest else position for thread, position in since.items()}


def kinds_of_threads(lines):
    kinds = {}
    for line in lines:
        named = SET_NAME.match(line)
        if named:
            kinds[named.group(1)] = KIND_OF_NAME.get(named.group(2).rstrip("-"), "event_loop")
    return kinds


def calls_in(paths):
    """The arguments that each system call had, by its name and the kind of thread."""
    found = {}
    for path in paths:
        with open(path, errors="replace") as trace:
            lines = trace.read().splitlines()
        since = filtered_threads(lines)
        kinds = kinds_of_threads(lines)
        for position, line in enumerate(lines):
            call = CALL.match(line)
            if call and position >= since.get(call.group(1), len(lines)):
                kind = kinds.get(call.group(1), "event_loop")
                found.setdefault((call.group(2), kind), set()).add(arguments_of(call.group(2), call.group(3)))
    return found


def holds(condition, arguments):
    if condition == "-":
        return True
    index, equal, value = re.fullmatch(r"(\d)([=!])(0x[0-9a-f]+|0)", condition).groups()
    if int(index) >= len(arguments) or arguments[int(index)] is None:
        return False
    given = arguments[int(index)]
    return given == int(value, 0) if equal == "=" else given & int(value, 0) == 0


def unused_for(kinds, used_by):
    if len(kinds) == 1 + len(KIND_OF_NAME):
        return [] if used_by else ["all"]
    looked_for = [kind for kind in kinds if kind != "event_loop"] or kinds
    return [kind for kind in looked_for if kind not in used_by]


def main(rules, *traces):
    calls = calls_in(traces)
    unused = []
    with open(rules) as lines:
        for line in lines:
            name, condition, kinds, use, reason = line.rstrip("\n").split("\t")
            if use != "-":
                continue
            used_by = [kind for (call, kind), all_arguments in calls.items()
                       if call == name and any(holds(condition, arguments) for arguments in all_arguments)]
            for kind in unused_for(kinds.split(","), used_by):
                unused.append(f"{name} {condition} ({kind}): {reason}")
    print("\n".join(unused))
    return 1 if unused else 0


sys.exit(main(*sys.argv[1:]))
