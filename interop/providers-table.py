"""Writes the summary table of the README from reports/providers/comparison.json: requirements by what they came to,
as the comparison itself begins.

Usage: providers-table.py FOLDER NAME... (the names of the reports, in the order of the comparison)
"""

import json
import pathlib
import sys

BEGIN, END = "<!-- providers -->\n", "<!-- /providers -->"
# What the column is called, and the key of its number among the requirements of a target.
COLUMNS = {
    "❌ violated": "violated",
    "of them accepted": "accepted",
    "⚠️ warning": "warnings",
    "ℹ️ information": "information",
    "❔ inconclusive": "inconclusive",
    "✅ met": "met",
    "– not exercised": "not_exercised",
}


def row(folder, name, target):
    documented = target["target"].get("documented")
    notes = f"docs/providers/{name}.md"
    cells = [
        f"[{target['label'].removesuffix(' (documented, not measured)')}]({folder}/{name}.html)",
        "documented, not measured" if documented else f"measured {target['started'][:10]}",
        *(target["requirements"][key] for key in COLUMNS.values()),
        f"[notes]({notes})" if pathlib.Path(notes).exists() else "",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |\n"


def main():
    folder, *names = sys.argv[1:]
    comparison = json.loads(pathlib.Path(folder, "comparison.json").read_text(encoding="utf-8"))
    targets = comparison["targets"]
    assert len(targets) == len(names), (len(targets), len(names))
    table = f"| server | verdicts are | {' | '.join(COLUMNS)} | |\n"
    table += f"| --- | --- |{' ---: |' * len(COLUMNS)} --- |\n"
    table += "".join(row(folder, name, target) for name, target in zip(names, targets))
    readme = pathlib.Path("README.md")
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END, 1)[1]
    readme.write_text(before + BEGIN + table + END + after, encoding="utf-8")


main()
