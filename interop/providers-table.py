"""Writes the summary table of the README from reports/providers/comparison.json.

Usage: providers-table.py FOLDER NAME... (the names of the reports, in the order of the comparison)
"""

import json
import pathlib
import sys

BEGIN, END = "<!-- providers -->\n", "<!-- /providers -->"


def row(folder, name, target):
    counts = target["counts"]
    documented = target["target"].get("documented")
    notes = f"docs/providers/{name}.md"
    cells = [
        f"[{target['label'].removesuffix(' (documented, not measured)')}]({folder}/{name}.html)",
        "documented, not measured" if documented else f"measured {target['started'][:10]}",
        counts["pass"], counts["fail"], counts["warn"], counts["inconclusive"], counts["not_applicable"],
        f"[notes]({notes})" if pathlib.Path(notes).exists() else "",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |\n"


def main():
    folder, *names = sys.argv[1:]
    comparison = json.loads(pathlib.Path(folder, "comparison.json").read_text(encoding="utf-8"))
    targets = comparison["targets"]
    assert len(targets) == len(names), (len(targets), len(names))
    table = "| server | verdicts are | passed | failed | warnings | inconclusive | not applicable | |\n"
    table += "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
    table += "".join(row(folder, name, target) for name, target in zip(names, targets))
    readme = pathlib.Path("README.md")
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END, 1)[1]
    readme.write_text(before + BEGIN + table + END + after, encoding="utf-8")


main()
