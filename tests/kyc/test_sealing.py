"""The ledger is sealed once a day: a hash over all heads and the seal before, that is mailed out of the house."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from kyc import ledger, sealing, verifier
from kyc.models import LedgerEntry, Seal, SealedHead
from tests.kyc.forging import past_the_triggers

NIGHT = datetime(2026, 3, 17, 0, 15, tzinfo=UTC)


@pytest.fixture
def nightly(settings: Any) -> None:
    settings.KYC_SEAL_TIME = time(0, 15)


def test_a_seal_is_over_the_chains_that_grew_and_the_seal_before(db: None) -> None:
    for chain, number in (("session:b", 1), ("session:a", 3)):
        for _ in range(number):
            ledger.append(chain, "session.read")
    first = sealing.seal()
    ledger.append("session:a", "session.read")
    second = sealing.seal(date(2026, 3, 17))

    assert first and second
    assert (first.number, first.day, first.n_chains, first.n_entries) == (1, None, 2, 4)
    # The ledger tells of the first seal itself.
    assert (second.number, second.day, second.n_chains, second.n_entries) == (2, date(2026, 3, 17), 2, 2)
    assert (first.previous_hash, second.previous_hash) == ("0" * 64, first.hash)
    heads = SealedHead.objects.filter(seal=first).order_by("chain").values_list("chain", "seq", "hash", "id")
    lines = "".join(f'["{chain}",{seq},"{digest}",{pk}]\n' for chain, seq, digest, pk in heads)
    assert first.heads_digest == sha256(lines.encode()).hexdigest()
    assert list(ledger.verify()) == []


def test_what_is_read_of_a_seal_again_is_what_was_sealed(db: None) -> None:
    made = sealing.seal(date(2026, 3, 17))
    kept = Seal.objects.get()

    assert made and sealing.seal_hash(kept) == kept.hash == made.hash
    assert sealing.heads_digest(kept).hexdigest() == kept.heads_digest
    assert LedgerEntry.objects.get().action == verifier.SEALED


def test_a_day_is_sealed_once_from_its_time_on(db: None, nightly: None) -> None:
    assert sealing.seal_due(NIGHT.replace(minute=14)) is None
    made = sealing.seal_due(NIGHT)
    assert made and made.day == date(2026, 3, 17)
    assert sealing.seal_due(NIGHT.replace(hour=23)) is None and sealing.seal(made.day) is None
    # Of days on which no worker was up there is none, and the next one stands for them.
    after = sealing.seal_due(NIGHT.replace(day=25))
    assert after and (after.number, after.day) == (2, date(2026, 3, 25))


def test_the_day_is_the_desk_s(db: None, nightly: None, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"

    made = sealing.seal_due(datetime(2026, 3, 16, 15, 15, tzinfo=UTC))
    assert made and made.day == date(2026, 3, 17)


def test_without_a_time_none_is_made_by_itself(db: None) -> None:
    assert sealing.seal_due(NIGHT) is None and not Seal.objects.exists()


def test_the_worker_makes_it(transactional_db: None, nightly: None) -> None:
    with time_machine.travel(NIGHT, tick=True):
        call_command("worker", once=True)

    assert Seal.objects.get().day == date(2026, 3, 17)


def test_the_command_makes_one_out_of_turn_and_verify_compares_it(db: None) -> None:
    said = io.StringIO()
    call_command("seal_ledger", stdout=said)
    named = said.getvalue().splitlines()[-1]
    assert named == f"1={Seal.objects.get().hash}"

    call_command("verify_ledger", seal=[verifier.mailed_seal(named)], stdout=said)
    assert said.getvalue().endswith("All sound.\n")
    with pytest.raises(CommandError, match="1 breaks"):
        call_command("verify_ledger", f"--seal=1={'f' * 64}", stdout=said)
    assert "seal 1: it is not the one that was mailed" in said.getvalue()


@pytest.mark.parametrize("wrong", ["1", "one=" + "f" * 64, "1=" + "f" * 63, "1=" + "g" * 64])
def test_what_is_no_seal_is_refused(wrong: str) -> None:
    with pytest.raises(CommandError, match="NUMBER=HASH"):
        call_command("verify_ledger", f"--seal={wrong}")


def test_a_ledger_that_was_cut_is_sealed_all_the_same(db: None) -> None:
    for _ in range(2):
        ledger.append("session:a", "session.read")
    sealing.seal()
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM kyc_ledgerentry WHERE chain = 'session:a' AND seq = 2")
        cursor.execute("UPDATE kyc_ledgerhead SET seq = 1 WHERE chain = 'session:a'")
        second = sealing.seal()

        assert second and second.n_chains == 1 and not second.heads.filter(chain="session:a").exists()


def test_of_several_at_once_one_seals_the_day(transactional_db: None) -> None:
    made: list[Seal | None] = []

    def seal() -> None:
        made.append(sealing.seal(date(2026, 3, 17)))
        connection.close()

    threads = [threading.Thread(target=seal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(each is None for each in made) == [False, True, True, True]
    assert Seal.objects.count() == 1 and list(ledger.verify()) == []


def test_it_is_checked_as_of_one_moment_while_others_write(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic():
        for n in range(3):
            ledger.append(f"session:{n}", "session.read")
    sealing.seal()
    original, tally = verifier.examine, verifier.Tally()

    def grow() -> None:
        with transaction.atomic():
            for n in range(3):
                ledger.append(f"session:{n}", "session.read")
        sealing.seal()
        connection.close()

    def examine(entries: Iterable[verifier.Entry], *rest: Any, **how: Any) -> Iterator[verifier.Break]:
        first, *others = entries
        thread = threading.Thread(target=grow)
        thread.start()
        thread.join()
        return original([first, *others], *rest, **how)

    monkeypatch.setattr(verifier, "examine", examine)
    assert list(ledger.verify(tally=tally)) == [] and tally.n_entries == 4
    monkeypatch.undo()
    assert list(ledger.verify(tally=tally)) == [] and tally.n_entries == 4 + 8
