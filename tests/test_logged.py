"""The look through the log at the end of a run finds what it is for, however it is written there."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tests import logged, wire
from tests.factories import ContactFactory, NoteFactory
from tests.logged import Gathering, found_in

LOGGER = logging.getLogger("kyc.looked_through")
SAID = 'Zoë "Z" Quagga'


@pytest.fixture
def gathering(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Gathering:
    found = Gathering(tmp_path)
    LOGGER.addHandler(found.handler)
    LOGGER.propagate = False
    yield found
    LOGGER.removeHandler(found.handler)
    LOGGER.propagate = True


@pytest.mark.parametrize(
    "line",
    [f"Met {SAID}.", "A mail to zoe@example.test", '{"sessionId": "1"}', "test-webhook-secret", "Ana Pérez"],
)
def test_what_a_line_must_not_hold_is_found(gathering: Gathering, tmp_path: Path, line: str) -> None:
    gathering.note([SAID, "a word"])
    LOGGER.error("%s", line)
    LOGGER.error("Session 43b972aa failed: OperationalError")
    gathering.end()

    (found,) = found_in(tmp_path)
    assert json.loads(found)["message"] == line


def test_what_another_process_wrote_is_looked_through_too(
    gathering: Gathering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathering.note([SAID])
    monkeypatch.setenv(logged.FOLDER, str(tmp_path))
    logged.keep(f"all is well\nbut for {SAID}")
    gathering.end()

    assert found_in(tmp_path) == [f"but for {SAID}"]


def test_an_event_s_personal_members_are_known_and_its_codes_are_not() -> None:
    event = wire.payload("related_party.kyc_session_created")
    party = set(logged.personal(event))
    assert {"John", "Doe", "john.doe@example.com", "+34911223344", "123 Main Street"} <= party
    assert not {"UBO", "KYC_PENDING", event["eventId"]} & party
    failed = wire.payload("kyc_session_failed")
    assert {"MOCK", "Document deteriorated or illegible (stains, tears)."} <= set(logged.personal(failed))
    assert "KYC.DOC.DETERIORATED" not in set(logged.personal(failed))


@pytest.mark.django_db
def test_the_run_knows_what_its_rows_say(pytestconfig: pytest.Config) -> None:
    note, contact = (
        NoteFactory(text="The quagga has no stripes."),
        ContactFactory(email="quagga@example.test"),
    )

    assert {note.text, contact.email} <= pytestconfig.stash[logged.GATHERING].words
