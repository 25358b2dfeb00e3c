"""What people do with sessions is shown in the admin as it stands, and never touched there."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from kyc.models import Decision, Session, User
from tests import factories
from tests.kyc.admin.conftest import url


def text(client: Client, row: object) -> str:
    answer = client.get(url(row))  # type: ignore[arg-type]
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_session_shows_who_holds_it_and_what_was_warned_of(
    admin_client: Client, session: Session, officer: User, supervisor: User
) -> None:
    now = timezone.now()
    Session.objects.filter(pk=session.pk).update(
        assignee=officer, claimed_until=now + timedelta(hours=1), asked_by=supervisor, asked_at=now,
        escalated_at=now, is_suspect=True, breached_for=session.due_at,
    )  # fmt: skip
    page = text(admin_client, session)

    for label in ("Held by", "Held until", "Who asked for it", "Under suspicion", "Overdue since"):
        assert f"{label}:" in page
    assert ">officer<" in page
    assert ">supervisor<" in page
    assert 'name="assignee"' not in page


def test_a_decision_shows_both_people_and_their_words(
    auditor_client: Client, session: Session, officer: User, supervisor: User
) -> None:
    first = factories.DecisionFactory(session=session, basis=session.deliveries.get(), maker=officer)
    now = timezone.now()
    returned: Decision = factories.DecisionFactory(
        session=session, basis=session.deliveries.get(), maker=officer, checker=supervisor, checked_at=now,
        needs_checker=True, status="returned", confirmed_at=None, answer="Look at the \u202esecond page.", settles=first,
    )  # fmt: skip
    page = text(auditor_client, returned)

    assert "Look at the \\u202esecond page." in page
    assert f'<a href="{url(first)}">{first.pk}</a>' in page
    assert ">supervisor<" in page


def test_an_undone_decision_says_by_whom(auditor_client: Client, session: Session, officer: User) -> None:
    undone = factories.DecisionFactory(
        session=session, basis=session.deliveries.get(), status="undone", undone_at=timezone.now(), undone_by=officer
    )  # fmt: skip

    assert "Undone by:" in text(auditor_client, undone)


def test_a_note_shows_its_text_on_its_page_only(auditor_client: Client, session: Session) -> None:
    note = factories.NoteFactory(session=session, text="Rang the <b>subject</b>.")

    assert "Rang the &lt;b&gt;subject&lt;/b&gt;." in text(auditor_client, note)
    assert "Rang" not in auditor_client.get(url("kyc.note", "changelist")).content.decode()
