"""Whichever door is used, nobody decides alone what takes two, and nobody does what the role may not."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command, get_commands
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from kyc import review
from kyc.choices import FINAL_OUTCOMES, DecisionStatus, Outcome
from kyc.models import Decision, Note, SavedView, Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import WORDS, disputed, is_sound, rejected, seen
from tests.kyc.review.doors import Post, admin_posts, desk_posts
from tests.kyc.review.record import claimed, now_is

pytestmark = pytest.mark.django_db

ROOT = Path(django_settings.BASE_DIR)
# What comes of a post: the session's row, its decisions, and what else people leave.
type Picture = tuple[Any, ...]


@pytest.fixture
def proposal(settings: Any, officer: User) -> Decision:
    settings.KYC_FOUR_EYES = "all"
    return rejected(scene.in_review(), officer)


def picture(session: Session) -> Picture:
    row = {**vars(now_is(session)), "_state": None}
    decisions = list(Decision.objects.order_by("pk").values())
    return row, decisions, Note.objects.count(), SavedView.objects.count()


def is_decided(session: Session) -> bool:
    """Whether a verdict of this desk holds, but for the one that a dispute is about."""
    final = session.decisions.filter(status=DecisionStatus.CONFIRMED, outcome__in=FINAL_OUTCOMES)
    return final.exists() and not now_is(session).is_disputed


type Look = Callable[[], Any]


def changes(by: User | AnonymousUser, posts: list[Post], *looks: Look) -> list[Counter[str]]:
    """Send each of these posts as this person; return for each look after which doors it sees something else."""
    befores, found = [look() for look in looks], [Counter[str]() for _ in looks]
    for name, address, form in posts:
        client = signed_in(by) if isinstance(by, User) else Client()
        with transaction.atomic():
            assert client.post(address, form).status_code < 500, address
            for look, before, seen_after in zip(looks, befores, found, strict=True):
                seen_after[name] += look() != before
            transaction.set_rollback(True)
    return [+seen_after for seen_after in found]


# --- The desk ------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["auditor", "admin", "nobody", "visitor"])
@pytest.mark.walk
def test_who_may_not_decide_changes_nothing_by_any_door(role: str, proposal: Decision) -> None:
    session = proposal.session
    person = UserFactory(role="" if role == "nobody" else role) if role != "visitor" else AnonymousUser()
    posts = list(desk_posts(session, proposal, person))
    assert len(posts) > 50

    (found,) = changes(person, posts, lambda: picture(session))
    # A view of the queue is whoever's looks at it.
    assert set(found) <= {"queue-view-save"}


@pytest.mark.walk
def test_the_maker_takes_it_back_and_confirms_it_by_no_door(proposal: Decision, officer: User) -> None:
    session = proposal.session

    def rows() -> Picture:
        return now_is(session).state, list(session.decisions.values("pk", "status", "checker"))

    posts = list(desk_posts(session, proposal, officer))
    ending, touching = changes(officer, posts, lambda: is_decided(session), rows)
    assert not ending
    assert touching == {"decision-undo": 1}


@pytest.mark.walk
def test_another_person_confirms_it_by_one_door_and_no_other(proposal: Decision) -> None:
    session, other = proposal.session, UserFactory(role="officer")
    posts = list(desk_posts(session, proposal, other))
    assert changes(other, posts, lambda: is_decided(session)) == [{"decision-confirm": 1}]


@pytest.mark.walk
def test_nobody_decides_alone_by_any_door(settings: Any, supervisor: User) -> None:
    settings.KYC_FOUR_EYES = "all"
    session = scene.in_review()
    posts = list(desk_posts(session, None, supervisor))
    ending, proposing = changes(
        supervisor, posts, lambda: is_decided(session), lambda: now_is(session).proposed_by
    )
    assert not ending
    assert proposing == {"session-decide": 2}


@pytest.mark.walk
def test_only_a_supervisor_who_took_no_part_settles_a_dispute(officer: User, supervisor: User) -> None:
    session, decision = disputed(officer)
    for person, found in [(officer, {}), (supervisor, {"session-settle": 2})]:
        posts = list(desk_posts(session, decision, person))
        deciding = [post for post in posts if post[0].startswith(("session-", "decision-", "queue-bulk"))]
        assert changes(person, deciding, lambda: now_is(session).is_disputed) == [found]


@pytest.mark.walk
def test_what_another_holds_is_decided_by_no_door(officer: User, supervisor: User) -> None:
    session = claimed(scene.in_review(), officer)
    posts = [
        post
        for post in desk_posts(session, None, supervisor)
        if post[0].startswith(("session-", "queue-bulk"))
    ]
    assert changes(supervisor, posts, lambda: session.decisions.count()) == [{}]


# --- Bulk, admin, commands -----------------------------------------------------------------------
def test_no_act_on_many_sessions_decides() -> None:
    assert not {"approve", "reject", "confirm", "settle", "undo"} & set(review.BulkAct.values)


@pytest.mark.parametrize("role", ["supervisor", "admin", "superuser"])
@pytest.mark.walk
def test_the_admin_decides_and_confirms_nothing(role: str, proposal: Decision) -> None:
    session = proposal.session
    is_all = role == "superuser"
    person = UserFactory(role="" if is_all else role, is_superuser=is_all, is_staff=is_all)
    posts = list(admin_posts(session, proposal))
    assert len(posts) > 20

    def decisions() -> Picture:
        return now_is(session).state, list(Decision.objects.order_by("pk").values())

    assert changes(person, posts, decisions) == [{}]


@pytest.mark.walk
def test_no_command_decides(proposal: Decision) -> None:
    before = picture(proposal.session)
    for command in ("rebuild_sessions", "replay_deliveries", "recompute_due_times", "verify_ledger"):
        call_command(command, stdout=StringIO())
    assert picture(proposal.session) == before
    assert is_sound(proposal.session)


def test_all_that_decides_is_called_by_the_session_page_alone() -> None:
    """And by the demo's people, in the demo's own database. Whatever is added later is a door to be looked at here."""
    ends = {"approve", "reject", "confirm", "send_back", "undo", "settle"}
    callers = {
        str(path.relative_to(ROOT))
        for path in _sources()
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ends
        and isinstance(call.func.value, ast.Name)
    }
    assert callers == {"kyc/desk/deciding.py", "config/demo/work.py"}
    ours = {name for name, app in get_commands().items() if str(app).startswith(("kyc", "config", "notif"))}
    assert not {name for name in ours if any(end in name for end in ends)}


def test_decisions_are_written_by_the_choke_point_and_the_fold_alone() -> None:
    writers = {
        str(path.relative_to(ROOT))
        for path in _sources()
        for line in path.read_text().splitlines()
        if "Decision.objects" in line and (".create(" in line or ".update(" in line or "bulk_" in line)
    }
    assert writers == {"kyc/review/writing.py", "kyc/folding.py"}


def _sources() -> list[Path]:
    return [path for app in ("kyc", "config", "notifications") for path in (ROOT / app).rglob("*.py")]


# --- The database --------------------------------------------------------------------------------
CONFIRMED = {"status": DecisionStatus.CONFIRMED, "confirmed_at": timezone.now()}


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        (CONFIRMED, "confirmed_by_another"),
        ({**CONFIRMED, "checker": "maker", "checked_at": timezone.now()}, "has_two_people"),
        ({"needs_checker": False}, "proposed_to_another"),
        ({"checker": "other", "checked_at": timezone.now()}, "proposed_to_another"),
    ],
)
def test_the_database_refuses_it_too(columns: dict[str, Any], constraint: str, proposal: Decision) -> None:
    people = {"maker": proposal.maker, "other": UserFactory()}
    columns = {
        name: people.get(value, value) if name == "checker" else value for name, value in columns.items()
    }
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Decision.objects.filter(pk=proposal.pk).update(**columns)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        for name, value in columns.items():
            setattr(proposal, name, value)
        proposal.save()


def test_and_in_sql(proposal: Decision) -> None:
    sql = "UPDATE kyc_decision SET status = 'confirmed', confirmed_at = proposed_at, checker_id = maker_id, checked_at = proposed_at"
    with pytest.raises(IntegrityError, match="has_two_people"), transaction.atomic():
        connection.cursor().execute(sql)


def test_and_a_second_proposal_beside_the_first(proposal: Decision) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.create(
            session=proposal.session,
            basis=proposal.basis,
            maker=UserFactory(),
            outcome=Outcome.APPROVE,
            rationale=WORDS,
            round=1,
            needs_checker=True,
        )
    assert seen(proposal.session)
