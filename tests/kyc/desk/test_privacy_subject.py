"""A subject's page: what it costs, what it offers about who is known only by bytes, and everything in one file."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from kyc import privacy
from kyc.desk import privacy as pages
from kyc.models import LegalHold, User
from tests import wire
from tests.factories import DeliveryFactory
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import REASON

pytestmark = pytest.mark.django_db


def address(user_id: object, name: str = "privacy-subject") -> str:
    return reverse(name, args=["user", user_id])


def test_it_costs_the_same_for_one_session_and_for_many(
    supervisor_client: Client, queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    user_id = uuid4()
    for n in range(12):
        party = {"relatedPartyId": str(uuid4())}
        wire.post(lives.event("kyc_session_failed", uuid4(), user_id, hours=n, checks=[], **party))
    lives.grow_old()
    with queries(15):
        page = supervisor_client.get(address(user_id))
    assert page.status_code == 200 and "names a user and a related party" in page.text


def test_who_is_named_only_in_bytes_can_be_erased_and_exported_there(supervisor_client: Client) -> None:
    user_id = uuid4()
    body = f'{{"userId": "{user_id}", "said": "{lives.MARK}"}}'.encode()
    DeliveryFactory(is_quarantined=True, body=body)
    page = supervisor_client.get(address(user_id)).text
    assert "This ID stands only in what could not be read or trusted." in page
    assert "Request erasure" in page and "Export subject’s data" in page
    told = supervisor_client.post(address(user_id, "privacy-subject-export"), {"reason": REASON})
    assert lives.MARK in json.loads(b"".join(told.streaming_content))["unread"][0]["body"]  # type: ignore[arg-type]


def test_the_file_has_every_place_in_which_something_stands(
    supervisor_client: Client, supervisor: User
) -> None:
    session = lives.rejected()
    privacy.place_hold(lives.subject_of(session), by=supervisor, reason="Held for a court.")
    answer = supervisor_client.post(address(session.user_id, "privacy-subject-export"), {"reason": REASON})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]
    told = json.loads(text)
    places = (
        "extra", "sender", "noted", "corrected", "other", "mended", "because", "name", "error", "answer", "comment",
        "nested", "conflict", "yesterday", "broken", "unsigned", "api", "rationale is long enough",
    )  # fmt: skip
    assert [where for where in places if lives.said(where) not in text] == []
    assert told["kept_by_the_desk"]["legal_holds"][0]["reason"] == "Held for a court."


@pytest.mark.parametrize("name", ["hold", "lift"])
def test_a_hold_asks_again_who_is_there(
    stale_client: Callable[[User], Client], supervisor: User, name: str
) -> None:
    session = lives.rejected()
    url = address(session.user_id, "privacy-subject-hold")
    if name == "lift":
        hold = privacy.place_hold(lives.subject_of(session), by=supervisor, reason=REASON)
        url = reverse("privacy-hold-lift", args=[hold.pk])
    answer = stale_client(supervisor).post(url, {"reason": REASON})
    assert answer["Location"].startswith("/account/confirm/")
    assert LegalHold.objects.filter(lifted_at=None).count() == (name == "lift")


def test_the_lists_of_what_stands_end_somewhere_and_say_so(
    supervisor_client: Client, supervisor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_LISTED", 2)
    made: dict[str, Any] = {"reason": REASON, "placed_by": supervisor, "entity_type": "user"}
    LegalHold.objects.bulk_create(LegalHold(**made, subject_id=uuid4()) for _ in range(3))
    page = supervisor_client.get(reverse("privacy")).text
    assert page.count(REASON) == 2 and "The oldest 2 of 3." in page
