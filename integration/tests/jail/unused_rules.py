"""Names the rules of nacre-vmm's system call filters that no recorded call needed.

Usage: unused_rules.py RULES TRACE…: RULES as `nacre-vmm --syscall-rules` prints them, TRACE as `strace -f -X raw` does. Rules
that are marked as rare, or as absent, are not looked for. The exit status is 1 if there is an unused one.
"""
import re
import sys

CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
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


def calls_in(paths):
    found = {}
    for path in paths:
        with open(path, errors="replace") as trace:
            lines = trace.read().splitlines()
        since = filtered_threads(lines)
        for position, line in enumerate(lines):
            call = CALL.match(line)
            if call and position >= since.get(call.group(1), len(lines)):
                found.setdefault(call.group(2), set()).add(arguments_of(call.group(2), call.group(3)))
    return found


def holds(condition, arguments):
    if condition == "-":
        return True
    index, equal, value = re.fullmatch(r"(\d)([=!])(0x[0-9a-f]+|0)", condition).groups()
    if int(index) >= len(arguments) or arguments[int(index)] is None:
        return False
    given = arguments[int(index)]
    return given == int(value, 0) if equal == "=" else given & int(value, 0) == 0


def main(rules, *traces):
    calls = calls_in(traces)
    unused = []
    with open(rules) as lines:
        for line in lines:
            name, condition, kinds, use, reason = line.rstrip("\n").split("\t")
            if use == "-" and not any(holds(condition, arguments) for arguments in calls.get(name, ())):
                unused.append(f"{name} {condition} ({kinds}): {reason}")
    print("\n".join(unused))
    return 1 if unused else 0


sys.exit(main(*sys.argv[1:]))
