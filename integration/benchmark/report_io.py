"""Turns the lines that measure-io.sh printed into a table, and the README's block of them."""
import argparse
import statistics
import sys

COLUMNS = ["host", "runc", "nacre", "nacre, disk"]
BEGIN, END = "<!-- io benchmark: begin -->", "<!-- io benchmark: end -->"


def parse(lines):
    """Medians by what and column, and the unit of each, in the order of appearance."""
    samples, units = {}, {}
    for line in lines:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word != "figure":
            continue
        column = next(name for name in sorted(COLUMNS, key=len, reverse=True) if rest.startswith(name + " "))
        unit, value, what = rest[len(column) + 1:].split(" ", 2)
        samples.setdefault(what, {}).setdefault(column, []).append(float(value))
        units[what] = unit
    return {what: {column: statistics.median(values) for column, values in row.items()} for what, row in samples.items()}, units


def markdown(rows, units):
    lines = ["| what | " + " | ".join(COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    for what, row in rows.items():
        cells = [f"{row[column]:.4g} {units[what]}" if column in row else "" for column in COLUMNS]
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def rewrite_readme(path, text):
    with open(path, encoding="utf-8") as file:
        content = file.read()
    if BEGIN not in content or END not in content:
        sys.exit(f"bench: {path} has no markers of the I/O benchmark")
    before, rest = content.split(BEGIN, 1)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--readme")
    options.add_argument("lines")
    arguments = options.parse_args()
    with open(arguments.lines, encoding="utf-8") as file:
        rows, units = parse(file)
    if not rows:
        sys.exit("bench: no figures")
    text = markdown(rows, units)
    print(text)
    if arguments.readme:
        rewrite_readme(arguments.readme, text)


main()
