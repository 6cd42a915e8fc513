"""Measures how well a run hides the latency of a server: wall time against what the requests alone need.

Usage: latency.py TXSPEC [DELAY_MS]

The reference server holds every answer back. The bound is (requests on the longest chain + requests / concurrency) x delay: a
scenario waits for its control, a control for its token. Printed, not asserted: it depends on the machine.
"""

import json
import subprocess
import sys
import tempfile

TXSPEC = sys.argv[1]
DELAY = int(sys.argv[2]) if len(sys.argv) > 2 else 50


def longest_chain(scenarios):
    """The requests of the scenario with the most before it, its controls and one token included."""
    by_id = {scenario["id"]: scenario for scenario in scenarios}

    def own_and_before(scenario):
        control = by_id.get(scenario.get("control"))
        return len(scenario["exchanges"]) + (own_and_before(control) if control else 1)

    return max(map(own_and_before, scenarios))


def measure(issuer, profile, concurrency):
    with tempfile.TemporaryDirectory() as reports:
        subprocess.run(
            [TXSPEC, "run", "--target", "reference", "--issuer", issuer, "--profile", profile, "--quiet",
             "--test-threads", str(concurrency), "--report-dir", reports],
            check=True, stdout=subprocess.DEVNULL, timeout=600)  # fmt: skip
        with open(f"{reports}/report.json", encoding="utf-8") as file:
            report = json.load(file)
    chain = longest_chain(report["scenarios"])
    bound = (chain + report["requests"] / concurrency) * DELAY / 1000
    wall = report["duration_ms"] / 1000
    print(f"{profile:17} concurrency {concurrency}: {report['requests']} requests, longest chain {chain}, "
          f"bound {bound:.2f} s, wall {wall:.2f} s, ratio {wall / bound:.2f}", flush=True)  # fmt: skip


def main():
    server = subprocess.Popen([TXSPEC, "serve", "--delay", f"{DELAY}ms"], stdout=subprocess.PIPE, text=True)
    try:
        issuer = server.stdout.readline().split()[1]
        for profile, concurrency in [("rfc8693-core", 1), ("rfc8693-core", 4), ("rfc8693-core", 8), ("rfc8693-security", 8)]:
            measure(issuer, profile, concurrency)
    finally:
        server.terminate()
        server.wait()


main()
