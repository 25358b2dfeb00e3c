"""What a correction is refused for: nothing is written then, and the words are for the screen."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import PermissionDenied

from kyc.exceptions import CorrectionForbidden, CorrectionOutdated, CorrectionRefused
from kyc.models import Check, Correction, Reason, Session, User
from kyc.review import Change, correct
from tests.kyc.scene import again, in_review

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return in_review()


@pytest.mark.parametrize(
    ("field", "new", "words"),
    [
        ("user_id", None, "A user needs a user id."),
        ("entity_type", "related-party", "A related party needs a related party id."),
        ("related_party_id", UUID(int=1), "With both a user and a related party, the entity is unknown."),
        ("entity_type", "company", "This is no kind of entity."),
        ("due_at", None, "A session in REVIEW needs a due time."),
        ("state", "VERIFIED", "state is not corrected by hand."),
        ("entity_type", "user", "Nothing was changed, so there is nothing to correct."),
    ],
)
def test_it_refuses_what_cannot_be(
    session: Session, admin: User, field: str, new: object, words: str
) -> None:
    with pytest.raises(CorrectionRefused) as refused:
        correct(session, by=admin, changes=[Change(session, field, new)], reason="Because.")  # type: ignore[arg-type]

    assert refused.value.messages == [words]
    assert not Correction.objects.exists()
    assert Session.objects.get().version == session.version


@pytest.mark.parametrize(
    ("field", "new", "words"),
    [
        ("state", "passed", "This is no state of a check."),
        ("data", '{"a": NaN}', "This is not JSON."),
        ("data", "[" * 300, "This is not JSON."),
        ("type", "", "A check has a type."),
        ("position", 3, "position is not corrected by hand."),
    ],
)
def test_it_refuses_what_no_check_can_be(
    session: Session, admin: User, field: str, new: str, words: str
) -> None:
    with pytest.raises(CorrectionRefused) as refused:
        correct(session, by=admin, changes=[Change(Check.objects.get(), field, new)], reason="Because.")

    assert refused.value.messages == [words]


def test_it_refuses_a_due_time_outside_review(session: Session, admin: User) -> None:
    rejected = again(session, "kyc_session_failed")
    change = Change(rejected, "due_at", datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(CorrectionRefused, match="Only a session in REVIEW has a due time"):
        correct(rejected, by=admin, changes=[change], reason="Because.")


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_it_wants_a_reason(session: Session, admin: User, reason: str) -> None:
    with pytest.raises(CorrectionRefused, match="Say why this is corrected"):
        correct(session, by=admin, changes=[Change(session, "user_id", uuid4())], reason=reason)


def test_it_refuses_a_row_of_another_session(session: Session, admin: User) -> None:
    other = in_review().checks.get()
    with pytest.raises(CorrectionOutdated):
        correct(session, by=admin, changes=[Change(other, "type", "x")], reason="Because.")


def test_it_refuses_who_may_not(session: Session, officer: User, supervisor: User, auditor: User) -> None:
    for person in (officer, supervisor, auditor):
        with pytest.raises(CorrectionForbidden) as refused:
            correct(session, by=person, changes=[Change(session, "user_id", uuid4())], reason="Because.")
        assert isinstance(refused.value, PermissionDenied)


def test_it_refuses_what_changed_since_it_was_seen(session: Session, admin: User) -> None:
    reason = Reason.objects.get()
    correct(session, by=admin, changes=[Change(session, "user_id", uuid4())], reason="Wrong id.")
    with pytest.raises(CorrectionOutdated):
        correct(session, by=admin, changes=[Change(reason, "code", "X")], reason="Because.")

    seen = Session.objects.get()
    Reason.objects.update(code="MOVED")
    with pytest.raises(CorrectionOutdated):
        correct(seen, by=admin, changes=[Change(reason, "code", "X")], reason="Because.")
