"""What somebody who decides had before them, and whether the rows and the record agree with each other afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kyc import folding, ledger
from kyc.choices import SessionState
from kyc.models import Decision, Session, User
from kyc.models.digests import text_digest
from kyc.rebuilding import rebuild
from kyc.review import Seen, reject
from tests import wire
from tests.kyc import scene
from tests.kyc.review.record import now_is, said

WORDS = "I compared both pictures with care."


def seen(session: Session) -> Seen:
    """What a person sees who opens the session now."""
    now = Session.objects.get(pk=session.pk)
    return Seen(now.version, folding.basis(now))


def reviewed(*states: Any, code: str = "LOW_CONFIDENCE") -> Session:
    """A session that came to REVIEW with a check in each of these states; those not validated have a reason."""
    checks = [
        {
            "type": "face-matching",
            "state": state,
            "reasons": [] if state == "Validated" else [{"code": code, "message": "Below threshold"}],
        }
        for state in states
    ]
    event = wire.payload("kyc_session_manual_review", checks=checks)
    assert wire.post(event).status_code == 200
    return Session.objects.get(pk=event["data"]["sessionId"])


def refused(act: Callable[[], object], session: Session, error: type[Exception], words: str = "") -> Any:
    """Assert that the act raises this and leaves everything as it was. Return what it raised."""
    before = _picture(session)
    with pytest.raises(error, match=words or None) as raised:
        act()
    assert _picture(session) == before
    return raised.value


def _picture(session: Session) -> Any:
    decisions = list(Decision.objects.filter(session=session).order_by("pk").values())
    return {**vars(now_is(session)), "_state": None}, said(session), decisions


def rejected(session: Session, by: User) -> Decision:
    """Have a person reject the session as it is now; it may be a proposal."""
    return reject(session.pk, by=by, seen=seen(session), codes=["LOW_CONFIDENCE"], rationale=WORDS)


def disputed(by: User, *, checks: object = None) -> tuple[Session, Decision]:
    """A session that a person rejected and Ralio verified after that, and the decision."""
    session = scene.in_review()
    decision = rejected(session, by)
    session = scene.again(session, "kyc_session_verified", checks=checks)
    assert session.state == SessionState.REVIEW
    assert session.is_disputed
    return session, decision


def is_sound(session: Session) -> bool:
    """Whether a rebuild finds no difference, and the ledger holds."""
    return rebuild(session.pk, is_dry_run=True) == [] and list(ledger.verify()) == []


def precedents(decision: Decision) -> set[tuple[str, str]]:
    """The codes of a decision's precedents, by the names that these tests use, and how it went."""
    names = {text_digest(name): name for name in ("LOW_CONFIDENCE", "KYC.DOC.OTHER", "TORN")}
    return {(names[row.digest], row.outcome) for row in decision.precedents.all()}
