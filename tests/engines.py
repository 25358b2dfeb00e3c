"""A pytest plugin: `pytest` runs every test on SQLite, and then on PostgreSQL those that depend on the engine.

`--engine=sqlite` or `--engine=postgresql` runs one of them in this process. The environment is set here, before
pytest-django loads the settings, so that neither a developer's `.env` nor their environment changes a test.
PostgreSQL is a throw-away server, or the one that KYC_TEST_POSTGRES_URL names.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import environ
import pytest

from tests import postgres

ENGINES = ("sqlite", "postgresql")
OUR_VARIABLES = (
    "DJANGO_",
    "RALIO_",
    "KYC_",
    "DATABASE_",
    "DESK_",
    "EMAIL_",
    "DEFAULT_FROM_",
    "COMPLIANCE_",
    "LOG_",
    "OIDC_",
)
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DJANGO_DEBUG": "true",
    "RALIO_WEBHOOK_SECRETS": "test-webhook-secret",
    "COMPLIANCE_TEAM_EMAILS": "compliance@example.test",
    # A worker's tests would go otherwise in the morning than at night.
    "KYC_DIGEST_TIME": "none",
    "KYC_SEAL_TIME": "none",
    "EMAIL_URL": "memorymail://",
}
MAX_WORKERS = 4
COUNTED = ("passed", "failed", "error", "skipped")
# With one of these pytest only tells something: one engine will do.
INFORMATIVE = (
    "help",
    "version",
    "collectonly",
    "showfixtures",
    "show_fixtures_per_test",
    "cacheshow",
    "markers",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=[*ENGINES, "both"],
        default="both",
        help="The database to run the tests on (default: both).",
    )
    parser.addoption(
        "--counts", type=Path, help="Write how many tests passed, failed and so on to this file, as JSON."
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    environ.Env.read_env = classmethod(lambda cls, *args, **kwargs: None)
    # Whoever starts us in the background may have us ignore Ctrl-C, and so would every process that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "PYTEST_XDIST_WORKER" in os.environ:
        return  # The environment is the controller's.
    # A signal ends the run as Ctrl-C does, so that what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = os.environ.get("KYC_TEST_POSTGRES_URL", "")
    for name in [name for name in os.environ if name.startswith(OUR_VARIABLES)]:
        del os.environ[name]
    os.environ.update(SETTINGS, KYC_TEST_POSTGRES_URL=server)
    if early_config.known_args_namespace.engine == "postgresql":
        os.environ["DATABASE_URL"] = server or start_postgresql(early_config)
    else:
        os.environ["DATABASE_URL"] = f"sqlite:///{_scratch(early_config)}/kyc.sqlite3"


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Run one child per engine, with the same arguments; the worse answer counts."""
    if config.option.engine != "both" or any(config.getoption(name, None) for name in INFORMATIVE):
        return None
    codes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for engine in engines_here():
            _say(f"\n=== {engine} ===")
            counts = f"--counts={folder}/{engine}"
            arguments = [*config.invocation_params.args, f"--engine={engine}", counts, *_in_parallel(config)]
            codes[engine] = _run_child(arguments)
            if codes[engine] == pytest.ExitCode.INTERRUPTED:
                break
        _print_totals(codes, Path(folder))
    failures = [
        code
        for code in codes.values()
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    ]
    return max(failures, default=min(codes.values()))


def pytest_report_header(config: pytest.Config) -> str:
    return f"engine: {config.option.engine}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.write_sep("_", f"{report.nodeid} failed at first ({report.when})", yellow=True)
        terminalreporter.write_line(report.longreprtext)
    if file := config.option.counts:
        file.write_text(json.dumps({kind: len(terminalreporter.stats.get(kind, [])) for kind in COUNTED}))


def start_postgresql(config: pytest.Config) -> str:
    if not postgres.find_programs():
        raise pytest.UsageError(f"{postgres.MISSING}.")
    server = postgres.start()
    config.add_cleanup(server.stop)
    return server.url


def _scratch(config: pytest.Config) -> str:
    """Return a folder for database files: in memory where that exists, for SQLite waits for the disk at each commit."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="kyc-test-", dir=memory if os.access(memory, os.W_OK) else None)
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


def engines_here() -> list[str]:
    """Return the engines to run on. A person's machine may lack PostgreSQL, CI may not."""
    if os.environ["KYC_TEST_POSTGRES_URL"] or os.environ.get("CI") == "true" or postgres.find_programs():
        return list(ENGINES)
    _say(f"\n=== postgresql: skipped. {postgres.MISSING}. ===")
    return ["sqlite"]


def _in_parallel(config: pytest.Config) -> list[str]:
    """Return xdist's arguments for a whole run; a file, a test or a debugger asks for one process."""
    option = config.option
    has_own_wish = option.numprocesses is not None or option.usepdb or option.trace or option.capture == "no"
    is_whole_run = all(Path(argument).is_dir() for argument in config.args)
    if has_own_wish or option.maxfail == 1 or not is_whole_run:
        return []
    # More than there are processors, for many tests wait: for a browser, a server or a lock. Those that share a server
    # of their own go to one process.
    return ["-n", str(min(2 * (os.cpu_count() or 1), MAX_WORKERS)), "--dist", "loadgroup"]


def _run_child(arguments: list[str]) -> int:
    child = subprocess.Popen([sys.executable, "-m", "pytest", *arguments])
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            # The terminal sent Ctrl-C to the child too: let it stop its server and report.
            continue


def _print_totals(codes: dict[str, int], folder: Path) -> None:
    """Print a closing line per engine and one for all, errors counted as failures."""
    totals = dict.fromkeys(COUNTED, 0)
    for engine, code in codes.items():
        file = folder / engine
        if not file.exists():
            _say(f"{engine}: no report, exit code {code}")
            totals["error"] += 1
            continue
        counts = json.loads(file.read_text())
        totals = {kind: totals[kind] + counts[kind] for kind in COUNTED}
        _say(f"{engine}: {_in_words(counts)}")
    _say(f"all: {_in_words(totals)}")


def _in_words(counts: dict[str, int]) -> str:
    words = f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed"
    return f"{words}, {counts['skipped']} skipped" if counts["skipped"] else words


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
