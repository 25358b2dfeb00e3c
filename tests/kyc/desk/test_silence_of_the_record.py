"""What people write, and who they and the subjects are, stays out of the ledger, the log and every address."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.http import HttpResponse
from django.utils import timezone

from kyc.ledger import person_chain, session_chain
from kyc.models import Decision, LedgerEntry, Session, User
from tests.conftest import signed_in
from tests.factories import ContactFactory, UserFactory
from tests.kyc.desk.arrivals import again
from tests.kyc.desk.panels import session_in_review
from tests.kyc.review.acting import is_sound, seen

pytestmark = pytest.mark.django_db

SECRETS = ("Wilhelmina", "wilhelmina@example.test", "zebra-words", "maria.maker", "carl.checker", "sue.super")
WORDS = "These zebra-words are about Wilhelmina, and about nobody else."


class Desk:
    """Several people at one session; remembers each address that they came to."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.addresses: list[str] = []

    def act(self, by: User, path: str, **fields: Any) -> HttpResponse:
        now = seen(self.session)
        form = {"version": now.version, "basis": now.basis, "from": "view=free", **fields}
        answer = signed_in(by).post(f"/sessions/{self.session.pk}/{path}/", form)
        assert answer.status_code in (303, 403, 409, 422), answer.status_code
        self.addresses += [answer.request["PATH_INFO"], answer.get("Location", "")]
        return answer

    def decide(self, by: User, decision: str, **fields: Any) -> None:
        assert (
            self.act(
                by, "decide", decision=decision, **{f"rationale_{decision}": WORDS}, **fields
            ).status_code
            == 303
        )

    def answer(self, by: User, how: str) -> None:
        decision = Decision.objects.latest("pk")
        assert self.act(by, f"decisions/{decision.pk}/{how}", answer=WORDS).status_code == 303


@pytest.fixture
def people(db: None) -> tuple[User, User, User]:
    named = (("maria.maker", "officer"), ("carl.checker", "officer"), ("sue.super", "supervisor"))
    maker, checker, supervisor = (UserFactory(username=name, role=role) for name, role in named)
    return maker, checker, supervisor


def everything(desk: Desk, maker: User, checker: User, supervisor: User) -> None:
    """Do every act that there is, and several that are refused."""
    until = timezone.now() + timedelta(days=2)
    desk.act(maker, "claim")
    desk.act(checker, "ask")
    desk.act(maker, "keep")
    desk.act(checker, "ask")
    desk.act(maker, "hand-over")
    desk.act(checker, "renew")
    desk.act(checker, "release")
    desk.act(supervisor, "assign", to=maker.pk)
    desk.act(maker, "notes", text=WORDS)
    desk.act(checker, "decide", decision="reject", codes="NO_MATCH", rationale_reject=WORDS)
    desk.decide(maker, "wait", until_date=until.date().isoformat(), until_time="12:00")
    desk.decide(maker, "resume")
    desk.decide(maker, "escalate", to_escalate=supervisor.pk)
    desk.decide(supervisor, "hand_back")
    desk.decide(maker, "second_review", to_second_review=checker.pk)
    desk.decide(maker, "approve")
    desk.act(maker, f"decisions/{Decision.objects.latest('pk').pk}/confirm")
    desk.answer(checker, "return")
    desk.decide(maker, "reject", codes="NO_MATCH")
    desk.answer(checker, "confirm")
    desk.answer(checker, "undo")
    desk.decide(checker, "reject", codes="NO_MATCH")
    desk.answer(maker, "confirm")
    again(desk.session, "VERIFIED", hours=-0.01)
    assert desk.act(supervisor, "settle", outcome="reject", rationale=WORDS).status_code == 303


def test_no_word_and_no_name_leaves_the_rows(
    people: tuple[User, User, User], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    session = session_in_review(hours=5)
    ContactFactory(subject_id=session.user_id, name="Wilhelmina", email="wilhelmina@example.test")
    desk = Desk(session)
    everything(desk, *people)
    reader = signed_in(people[2])
    for path in (
        f"/sessions/{session.pk}/",
        f"/queue/peek/{session.pk}/",
        "/queue/",
        "/rejected/",
        "/queue/portal/export/",
    ):
        assert reader.get(path).status_code == 200

    entries = LedgerEntry.objects.values_list("chain", "action", "detail")
    logged = [record.getMessage() for record in caplog.records if record.name != "django.db.backends"]
    for told in (*map(str, entries), *logged, *desk.addresses):
        assert not any(secret in told for secret in SECRETS), told
    assert is_sound(session)


def test_each_act_is_told_once_on_the_sessions_chain_and_each_read_on_the_readers(
    people: tuple[User, User, User],
) -> None:
    session = session_in_review(hours=5)
    desk = Desk(session)
    everything(desk, *people)

    chain = LedgerEntry.objects.filter(chain=session_chain(session.pk), actor__isnull=False)
    told = Counter(chain.values_list("action", flat=True))
    assert told == {
        "session.claimed": 4,
        "session.asked": 2,
        "session.kept": 1,
        "session.handed_over": 1,
        "session.released": 1,
        "session.assigned": 1,
        "session.noted": 1,
        "session.waited": 1,
        "session.resumed": 1,
        "session.escalated": 1,
        "session.handed_back": 1,
        "session.second_review_asked": 1,
        "session.proposed": 3,
        "session.returned": 1,
        "session.confirmed": 2,
        "session.undone": 1,
        "session.settled": 1,
    }
    reads = LedgerEntry.objects.filter(action__in=["session.read", "session.previewed"])
    n_before = reads.count()
    reader = signed_in(people[0])
    reader.get(f"/sessions/{session.pk}/")
    reader.get(f"/queue/peek/{session.pk}/")
    assert reads.count() == n_before + 2
    assert {entry.chain for entry in reads} == {person_chain(entry.actor) for entry in reads if entry.actor}


def test_what_a_database_says_of_a_row_is_not_logged(
    people: tuple[User, User, User], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL tells the whole row that it refuses."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError(f"Failing row contains ({WORDS}).")

    monkeypatch.setattr("kyc.review.working.escalate", refuse)
    session = session_in_review()
    answer = signed_in(people[0]).post(
        "/queue/bulk/", {"act": "escalate", "s": str(session.pk), "rationale": WORDS}
    )

    assert "could not be changed" in answer.content.decode()
    assert "DatabaseError" in caplog.text and "zebra-words" not in caplog.text
