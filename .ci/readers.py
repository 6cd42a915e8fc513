"""Reads what a run wrote with readers that others wrote: JUnit against the schema of the xUnit plugin for Jenkins and
with junitparser, HAR with haralyzer, JSON Lines line by line.

Usage: readers.py SCHEMA.xsd FOLDER... (each with report.json, junit.xml, run.har and events.jsonl)
"""

import json
import pathlib
import sys

from haralyzer import HarParser
from junitparser import JUnitXml
from lxml import etree


def check(schema, folder):
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    counts = report["counts"]
    waivers = report.get("waivers", [])

    tree = etree.parse(str(folder / "junit.xml"), etree.XMLParser(huge_tree=True))
    if not schema.validate(tree):
        mistakes = "\n".join(str(e) for e in list(schema.error_log)[:10])
        sys.exit(f"{folder}/junit.xml does not follow the schema:\n{mistakes}")
    junit = JUnitXml.fromfile(str(folder / "junit.xml"))
    total = sum(counts.values()) + len(waivers)
    assert junit.tests == total, (junit.tests, total)
    stale = sum(w["state"] in ("stale", "expired") for w in waivers)
    assert junit.failures == counts["fail"] + counts["inconclusive"] + stale, (junit.failures, counts)
    suites = {p.name: p.value for suite in junit for p in suite.properties()}
    failed = next((s for s in report["scenarios"] if s["verdict"] == "fail"), None)
    if failed:
        checked = suites["requirements of " + failed["id"]]
        assert failed["findings"][0]["requirement"] in checked, checked

    har = HarParser(json.loads((folder / "run.har").read_text(encoding="utf-8")))
    exchanges = sum(len(s["exchanges"]) for s in report["scenarios"])
    entries = [entry for page in har.pages for entry in page.entries]
    assert len(entries) == exchanges, (len(entries), exchanges)
    assert entries[0].request.url.startswith("http") and all(entry.request.method for entry in entries)
    granted = [entry for entry in entries if entry.response.status == 200]
    assert granted and all(isinstance(json.loads(e.response.text), (dict, list)) for e in granted[:5])

    lines = [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [lines[0]["type"], lines[-1]["type"]] == ["started", "ended"]
    assert sum(line["type"] == "finished" for line in lines) == len(report["scenarios"])
    print(f"{folder}: {junit.tests} JUnit cases, {len(entries)} HAR entries, {len(lines)} events")


def main():
    schema = etree.XMLSchema(etree.parse(sys.argv[1]))
    for folder in sys.argv[2:]:
        check(schema, pathlib.Path(folder))


main()
