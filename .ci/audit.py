"""Whether a known vulnerability stands in what `uv.lock` names: 1 when one does, 0 when none does or nobody can be asked.

Where PyPI's service of advisories cannot be reached this says so and lets the run go on: no change of ours is at fault.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# What pip-audit's own words, or its traceback, hold when the service does not answer.
OUT_OF_REACH = (
    "ConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "ProxyError",
    "SSLError",
    "ServiceError",
    "Could not connect",
)


def judge(report: dict[str, Any] | None, said: str) -> tuple[int, list[str]]:
    """Return the exit code and what to print. `report` is None when pip-audit wrote none; `said` is its own words."""
    if report is None:
        if any(word in said for word in OUT_OF_REACH):
            return 0, ["NOT AUDITED: the service of advisories cannot be reached."]
        return 1, ["pip-audit failed:", said]
    found = report["dependencies"]
    skipped = [each for each in found if "skip_reason" in each]
    bad = [
        f"{each['name']} {each['version']}: {', '.join([one['id'], *one['aliases']])};"
        f" mended in {', '.join(one['fix_versions']) or 'no version'}"
        for each in found
        for one in each.get("vulns", [])
    ]
    if bad:
        return 1, bad
    if len(skipped) == len(found):
        return 0, ["NOT AUDITED: the service of advisories knows none of the packages, so it is not PyPI's."]
    words = [f"{len(found) - len(skipped)} packages without a known vulnerability."]
    return 0, words + [f"NOT AUDITED: {each['name']}." for each in skipped]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        wanted, report = Path(folder) / "requirements.txt", Path(folder) / "report.json"
        export = ["uv", "export", "--frozen", "--quiet", "--no-emit-project", "--output-file", str(wanted)]
        subprocess.run(export, check=True)  # noqa: S603
        audit = ["uv", "run", "pip-audit", "--requirement", str(wanted), "--disable-pip", "--timeout", "10"]
        shown = ["--progress-spinner", "off", "--format", "json", "--output", str(report)]
        done = subprocess.run([*audit, *shown], capture_output=True, text=True, check=False)  # noqa: S603
        read = json.loads(report.read_text()) if report.exists() and report.stat().st_size else None
    code, words = judge(read, done.stderr)
    sys.stdout.write("\n".join(words) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
