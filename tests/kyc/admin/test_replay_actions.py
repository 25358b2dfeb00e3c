"""Replay in the admin: the list's action shows what would happen, and a second step does it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client

from kyc.admin import replays
from kyc.models import Delivery, RefusedRequest, Session, User
from tests import wire
from tests.kyc import mending
from tests.kyc.admin.conftest import url

LIST, REFUSED = url("kyc.delivery", "changelist"), url("kyc.refusedrequest", "changelist")


def choose(client: Client, *rows: Delivery | RefusedRequest, at: str = LIST, **more: str) -> HttpResponse:
    return client.post(at, {"action": "replay", "_selected_action": [row.pk for row in rows], **more})


def said(answer: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_the_action_first_shows_what_would_happen(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    admin_client.get(LIST)
    before = mending.everything()
    answer = choose(admin_client, delivery, index="0")

    page = answer.content.decode()
    assert (answer.status_code, answer.templates[0].name) == (200, "admin/kyc/replay.html")
    assert "This is a dry run: nothing has been written. 1 of 1 delivery would be applied" in page
    assert "session state: – → REJECTED" in page
    assert mending.everything() == before


def test_the_second_step_applies(admin_client: Client, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = mending.unreadable(), mending.unreadable()
    mending.mend(monkeypatch)
    answer = choose(admin_client, first, second, apply="Replay")

    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert said(answer) == ["2 deliveries replayed: 2 applied."]
    assert Session.objects.count() == 2
    assert set(Delivery.objects.values_list("status", "n_replays", "last_replay_by")) == {
        ("applied", 1, admin.pk)
    }
    again = choose(admin_client, first, apply="Replay")
    assert said(again)[-1] == "1 delivery replayed: 1 nothing to do."


def test_the_page_s_own_form_applies_what_it_shows(
    supervisor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    page = choose(supervisor_client, delivery, index="0").content.decode()

    assert f'<input type="hidden" name="_selected_action" value="{delivery.pk}">' in page
    assert '<input type="hidden" name="action" value="replay">' in page
    assert '<input type="submit" class="default" name="apply" value="Replay">' in page


def test_what_can_not_be_applied_is_said_with_what_to_do(admin_client: Client) -> None:
    answer = choose(admin_client, mending.unreadable(), apply="Replay")

    tally, advice = said(answer)
    assert tally == "1 delivery replayed: 1 quarantined."
    assert "It cannot be read: 1 fault today." in advice


def test_a_refused_request_is_verified_again_and_applied(admin_client: Client, settings: Any) -> None:
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    page = choose(admin_client, refused, at=REFUSED, index="0").content.decode()
    assert "Signature does not hold" in page

    settings.RALIO_WEBHOOK_SECRETS = [mending.OLD_SECRET]
    page = choose(admin_client, refused, at=REFUSED, index="0").content.decode()
    assert "session state: – → REJECTED" in page
    assert not Delivery.objects.exists()
    answer = choose(admin_client, refused, at=REFUSED, apply="Verify and apply")
    assert said(answer) == ["1 refused request replayed: 1 applied."]
    assert url(Delivery.objects.get()) in admin_client.get(url(refused)).content.decode()


def test_who_may_not_replay_has_no_action(auditor_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    assert 'name="action"' not in auditor_client.get(LIST).content.decode()
    for more in ({"index": "0"}, {"apply": "Replay"}):
        choose(auditor_client, delivery, **more)

    assert Delivery.objects.get().status == "quarantined"
    assert not Session.objects.exists()


def test_too_many_at_once_are_left_to_the_command(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "MOST_ROWS", 1)
    mending.unreadable(), mending.unreadable()
    answer = choose(admin_client, *Delivery.objects.all(), apply="Replay", select_across="1")

    assert said(answer) == ["Choose 1 at most. The command replay_deliveries takes any number."]
    assert set(Delivery.objects.values_list("n_replays", flat=True)) == {0}


def test_nothing_is_inline_and_nothing_personal_shows(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = [{"type": "x", "code": "A", "message": "Doë, John"}]
    checks = [{"type": "face", "state": "Doë", "data": {"name": "Doë"}, "reasons": reasons}]
    delivery = mending.unreadable("kyc_session_failed.g2", checks=checks)
    mending.mend(monkeypatch)
    for answer in (admin_client.get(LIST), choose(admin_client, delivery, index="0")):
        page = answer.content.decode()
        assert "Doë" not in page
        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page


def test_a_delivery_s_page_tells_of_its_replay_and_its_secret(
    admin_client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = mending.unreadable()
    choose(admin_client, delivery, apply="Replay")
    page = admin_client.get(url(delivery)).content.decode()

    assert delivery.signed_with
    assert delivery.signed_with in page
    assert "Replayed by" in page
    assert url(admin) in page
