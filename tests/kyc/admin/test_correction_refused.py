"""A correction that cannot be made is shown again with the reason for it, and nothing typed is lost."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from kyc import review
from kyc.exceptions import CorrectionOutdated
from kyc.models import Check, Correction, Session
from tests import wire
from tests.kyc.admin.conftest import form_of, url

WHY = {"correction_reason": "The officer saw it."}


def form_of_answer(answer: object, posted: dict[str, str]) -> dict[str, str]:
    form = answer.context["adminform"].form  # type: ignore[attr-defined]
    return posted | {"seen": form["seen"].value()}


@pytest.mark.parametrize("why", ["", "  \r\n "])
def test_without_a_reason_nothing_is_saved_and_nothing_is_lost(
    admin_client: Client, session: Session, why: str
) -> None:
    meant = str(uuid4())
    posted = form_of(admin_client, url(session), user_id=meant, correction_reason=why)
    answer = admin_client.post(url(session), posted)

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {"correction_reason": ["This field is required."]}
    assert meant in answer.content.decode()
    assert not Correction.objects.exists()


def test_what_cannot_be_is_said_beside_its_field(admin_client: Client, session: Session) -> None:
    posted = form_of(admin_client, url(session), entity_type="related-party", **WHY)
    answer = admin_client.post(url(session), posted)

    assert answer.context["adminform"].form.errors == {
        "related_party_id": ["A related party needs a related party id."]
    }
    assert WHY["correction_reason"] in answer.content.decode()


def test_nothing_changed_is_said_too(admin_client: Client, check: Check) -> None:
    answer = admin_client.post(url(check), form_of(admin_client, url(check), **WHY))

    assert "Nothing was changed, so there is nothing to correct." in answer.content.decode()


def test_a_form_that_has_become_outdated_keeps_what_was_typed(admin_client: Client, session: Session) -> None:
    posted = form_of(admin_client, url(session), user_id=str(uuid4()), **WHY)
    now, later = uuid4(), session.last_event_at + timedelta(minutes=5)
    wire.post(wire.payload("kyc_session_manual_review", session_id=session.pk, user_id=now, at=later))
    answer = admin_client.post(url(session), posted)

    assert answer.status_code == 200
    assert str(review.OUTDATED) in answer.content.decode().replace("&#x27;", "'")
    assert f"This is now &quot;{now}&quot;" in answer.content.decode()
    assert posted["user_id"] in answer.content.decode()
    assert not Correction.objects.exists()

    again = form_of_answer(answer, posted)
    assert admin_client.post(url(session), again).status_code == 302
    assert str(Session.objects.get().user_id) == posted["user_id"]


def test_a_delivery_between_the_look_and_the_lock_is_told_of_too(
    admin_client: Client, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*args: object, **kwargs: object) -> None:
        raise CorrectionOutdated(review.OUTDATED)

    meant = str(uuid4())
    posted = form_of(admin_client, url(session), user_id=meant, **WHY)
    monkeypatch.setattr(review, "correct", late)
    answer = admin_client.post(url(session), posted)

    assert answer.status_code == 200
    assert answer.context["adminform"].form.non_field_errors() == [review.OUTDATED]
    assert meant in answer.content.decode()
