"""Names the rules of nacre-vmm's system call filters that no recorded call needed.

Usage: unused_rules.py RULES TRACE…: RULES as `nacre-vmm --syscall-rules` prints them, TRACE as `strace -f -X raw` does. Rules
that are marked as rare, or as absent, are not looked for. The exit status is 1 if there is an unused one.
"""
import re
import sys

call = re.compile(r"^(\d+) +(\w+)\((.*)$")
set_seccomp = (22,)


def number(text):
    match = re.match(r"-?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)", text.strip())
    if not match:
        return None
    digits = match.group(1)
    value = int(digits, 8) if re.fullmatch("0[0-7]+", digits) else int(digits, 0)
    return value & 0xffffffff


def calls_in(paths):
    """Of each system call that a thread under a filter made, the first four arguments, as far as they are plain numbers."""
    found = {}
    for path in paths:
        filtered = set()
        with open(path, errors="replace") as trace:
            for line in trace:
                match = call.match(line)
                if not match:
                    continue
                thread, name = match.group(1), match.group(2)
                arguments = tuple(number(argument) for argument in match.group(3).split(", ")[:4])
                if thread in filtered:
                    found.setdefault(name, set()).add(arguments)
                if name == "prctl" and arguments[:1] == set_seccomp:
                    filtered.add(thread)
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
