"""A search for an id that no column knows reads for a second, newest first, and leads on from there."""

from __future__ import annotations

import re
from html import unescape
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from kyc import subjects
from kyc.models import Delivery
from tests import wire
from tests.factories import DeliveryFactory, RefusedRequestFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time but for one chunk of two."""
    monkeypatch.setattr(subjects, "LOOK_FOR", 0.0)
    monkeypatch.setattr(subjects, "_CHUNK", 2)
    monkeypatch.setattr(subjects, "_WINDOW", 2)


def unread(n: int, pk: UUID | str = "") -> list[Delivery]:
    bodies = (f"{{ {pk} {i}".encode() for i in range(n))
    return [DeliveryFactory(is_quarantined=True, body=body, sha256=f"{uuid4().hex:0>64}") for body in bodies]


def further(client: Client, address: str) -> tuple[str, int]:
    """Follow the link until it leads somewhere else; return the page then, and how often it was followed."""
    for n in range(20):
        answer = client.get(address, follow=True)
        link = re.search(r'href="(/[^"]*older=[^"]*)"', answer.text)
        if link is None:
            return answer.text, n
        address = unescape(link[1])
    raise AssertionError("It has no end.")


@pytest.mark.usefixtures("at_once")
def test_however_much_there_is_one_page_reads_a_part(supervisor_client: Client) -> None:
    address, costs = f"{reverse('privacy')}?q={uuid4()}", []
    for n in (3, 20):
        unread(n)
        with pytest.MonkeyPatch.context() as spy:
            read: list[bytes] = []
            spy.setattr(subjects, "mentions", lambda body, ids, read=read: read.append(body))
            page = supervisor_client.get(address).text
        costs.append(len(read))
        assert "Look further back" in page and "Nothing is kept under this ID as far as was looked." in page
    assert costs == [2, 2]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("where", ["quarantined", "failed", "refused", "records"])
def test_what_is_old_is_found_further_back_and_can_be_erased(supervisor_client: Client, where: str) -> None:
    pk = uuid4()
    if where == "refused":
        RefusedRequestFactory(body=f'"{pk}"'.encode(), n_kept_bytes=38)
    elif where == "records":
        wire.post(wire.payload("kyc_state_updated", user_id=None, party={"id": str(pk).upper()}))
        Delivery.objects.update(related_party_id=uuid4())
    else:
        Delivery.objects.filter(pk=unread(1, pk)[0].pk).update(
            status=where, cause="" if where == "failed" else "invalid"
        )
    unread(5)
    page, n_followed = further(supervisor_client, f"{reverse('privacy')}?q={pk}")
    assert n_followed > 0
    if where == "records":
        # Its columns say whose it is otherwise, so that one subject is left.
        assert "This ID stands only in what could not be read or trusted." in page
        return
    link = re.search(r'href="(/privacy/user/[^"]*)"', page)
    assert link is not None
    shown = supervisor_client.get(link[1]).text
    assert "This ID stands only in what could not be read or trusted." in shown
    erase = re.search(r'action="([^"]*erase[^"]*)"', shown)
    assert erase is not None and "?in=" in erase[1]
    assert supervisor_client.post(erase[1], {"reason": "short"}).status_code == 422


@pytest.mark.usefixtures("at_once")
def test_what_stands_nowhere_comes_to_an_end(supervisor_client: Client) -> None:
    unread(3)
    page, _ = further(supervisor_client, f"{reverse('privacy')}?q={uuid4()}")
    assert "Nothing is kept under this ID." in page


@pytest.mark.parametrize("place", ["quarantined-999", "records-x", "nowhere-1", "refused-" + "9" * 30, "\0"])
def test_a_place_where_it_does_not_stand_shows_nobody(supervisor_client: Client, place: str) -> None:
    address = reverse("privacy-subject", args=["user", uuid4()])
    assert supervisor_client.get(address, {"in": place}).status_code == 404
    assert supervisor_client.get(reverse("privacy"), {"q": str(uuid4()), "older": place}).status_code == 200
