"""The bundle: whoever gets it can check the ledger with one file and no desk."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from kyc import bundles, ledger, verifier
from kyc.models import LedgerEntry, Seal, User
from kyc.verifier import FILES
from tests.kyc import forging
from tests.kyc.forging import A, B, outsiders

pytestmark = pytest.mark.django_db
PAPERS = {*FILES, "manifest.json", "README.txt", "verify.py"}


@pytest.fixture(autouse=True)
def grown(officer: User) -> None:
    forging.grow(officer)


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    file = io.BytesIO()
    bundles.write(file)
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def alone(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the bundle's own verifier as an outsider would: isolated, in an environment without anything of ours."""
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", *arguments],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_it_is_checked_alone_and_says_what_it_covers(unpacked: Path) -> None:
    newest = Seal.objects.get(number=3)
    code, said = alone(unpacked, "--seal", f"3={newest.hash}")

    assert {file.name for file in unpacked.iterdir()} == PAPERS
    assert code == 0 and said.splitlines() == [
        f"{LedgerEntry.objects.count()} entries in 4 chains, 3 seals.",
        f"The newest is seal 3 (made out of turn): {newest.hash}",
        "2 entries came after their chain was last sealed.",
        "All sound.",
    ]


def test_another_seal_than_the_mailed_one_ends_with_1(unpacked: Path) -> None:
    assert alone(unpacked, "--seal", f"2={'f' * 64}") == (
        1,
        "seal 2: it is not the one that was mailed\n"
        + said_of(unpacked)[1].replace("All sound.", "1 breaks."),
    )
    assert alone(unpacked, "--seal", "2=f")[0] == 2


def said_of(folder: Path) -> tuple[int, str]:
    return alone(folder)


def test_the_verifier_is_old_python_s_and_the_standard_library_s(unpacked: Path) -> None:
    source = (unpacked / "verify.py").read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}

    assert {str(name).partition(".")[0] for name in named} <= sys.stdlib_module_names
    assert source == Path(verifier.__file__).read_text()


def test_the_rows_are_those_of_the_tables(unpacked: Path) -> None:
    lines = [json.loads(line) for line in (unpacked / "entries.jsonl").read_text().splitlines()]
    entry = LedgerEntry.objects.get(chain=A, seq=2)

    assert [(line["chain"], line["seq"]) for line in lines] == sorted(
        LedgerEntry.objects.values_list("chain", "seq")
    )
    (line,) = (line for line in lines if line["id"] == entry.pk)
    assert line["at"] == ledger.utc(entry.at) and line["detail"] == entry.detail
    assert (line["actor"], line["hash"]) == (entry.actor_id, entry.hash)


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("entries.jsonl", lambda text: text.replace("session.read", "session.seen", 1), "its content is not"),
        ("entries.jsonl", lambda text: "", "the whole chain is gone"),
        ("entries.jsonl", lambda text: text + text.splitlines()[0] + "\n", "twice, or out of order"),
        ("entries.jsonl", lambda text: text.replace('"seq":2', '"seq":true', 1), "its seq is not of its kind"),
        ("entries.jsonl", lambda text: text.replace('"seq":2', '"seq":2,"seq":2', 1), "a name stands twice"),
        ("heads.jsonl", lambda text: text + "{", "heads.jsonl line 5: "),
        ("heads.jsonl", lambda text: text.replace("system", "systen"), "the chain has no head"),
        ("seals.jsonl", lambda text: "[" * 100_000, "seals.jsonl line 1: "),
        ("seals.jsonl", lambda text: text.replace('"number":1', '"number":"1"'), "its number is not of its kind"),
        ("sealed_heads.jsonl", lambda text: "", "its heads are not those that were sealed"),
        ("manifest.json", lambda text: "{}", "its manifest.json cannot be read"),
        ("manifest.json", lambda text: text.replace("null", '"all"'), "which chains it holds"),
        ("manifest.json", lambda text: text.replace(verifier.FORMAT, "x"), "its format is not"),
        ("seals.jsonl", lambda text: text.replace(",", ", "), "not the file that manifest.json was made for"),
    ],
)  # fmt: skip
def test_a_spoilt_file_is_named(unpacked: Path, name: str, spoil: Callable[[str], str], said: str) -> None:
    file = unpacked / name
    file.write_text(spoil(file.read_text()))
    code, found = alone(unpacked)

    assert code == 1 and said in found and "Traceback" not in found


@pytest.mark.parametrize("spoil", [b"", b"PK\x03\x04 nothing", None])
def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path, spoil: bytes | None) -> None:
    _, said = outsiders(tmp_path)
    assert said[-1] == "All sound."
    file = tmp_path / "ledger.zip"
    data = bytearray(file.read_bytes())
    data[200] ^= 255
    file.write_bytes(data if spoil is None else spoil)

    assert verifier.main([str(file)]) == 1


def test_a_bundle_of_one_chain_holds_no_other_and_is_checked_against_its_seals(tmp_path: Path) -> None:
    code, said = outsiders(tmp_path, chains=[A])
    with zipfile.ZipFile(tmp_path / "ledger.zip") as archive:
        entries = archive.read("entries.jsonl").decode()
        sealed = [json.loads(line) for line in archive.read("sealed_heads.jsonl").splitlines()]

    assert (code, said[0], said[-1]) == (0, "5 entries in 1 chains, 3 seals.", "All sound.")
    assert "The bundle holds only some chains: it cannot show whether others are whole." in said
    assert B not in entries and {line["seal"] for line in sealed} == {1, 2}
    with forging.past_the_triggers() as cursor:
        cursor.execute("UPDATE kyc_ledgerentry SET action = 'x' WHERE chain = %s AND seq = 2", [A])
        forging.rehash(cursor, A)
        assert outsiders(tmp_path, chains=[A])[1][0] == f"{A} entry 3: it is not what seal 1 says"
        assert str(ledger.verify_chain(A)) == f"{A} entry 3: it is not what seal 1 says"
    assert ledger.verify_chain(A) is None and list(ledger.verify(chains=[A])) == []


def test_the_command_writes_it_where_nothing_is_yet_and_the_ledger_tells(tmp_path: Path) -> None:
    file, said = tmp_path / "out.zip", io.StringIO()
    call_command("export_ledger", str(file), stdout=said)

    assert verifier.main([str(file)]) == 0 and "python -I verify.py out.zip" in said.getvalue()
    assert LedgerEntry.objects.filter(action="ledger.exported").count() == 1
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_ledger", str(file))
    assert verifier.main([str(file)]) == 0


def test_it_is_given_out_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "BATCH", 2)
    with zipfile.ZipFile(io.BytesIO(b"".join(bundles.stream()))) as archive:
        assert archive.testzip() is None and set(archive.namelist()) == PAPERS
