"""Pages that show what nobody meant well with: each answers 200, and as text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from kyc.choices import DeliveryStatus
from kyc.models import Delivery, RefusedRequest
from tests import wire
from tests.hostile.bodies import ENCODINGS, NOTHING_LIKE_JSON, TWICE
from tests.hostile.corpus import INVALID, VALID, Value, event
from tests.kyc.personal import unmask

pytestmark = pytest.mark.django_db

FREE = ("envelope", "member", "entityType", "check.state", "check.data", "reason.code", "reason.message")
# All that fits into one event beside the others, and each that fills a page by itself.
LARGE = [value for value in VALID if len(value.text) > 50_000 and value.depth < 100]
SMALL = [value for value in VALID if len(value.text) <= 50_000 and value.depth < 190]
DEEP = [value for value in VALID if 190 <= value.depth < 196]


def together(values: list[Value]) -> bytes:
    """Return one event whose checks carry the values, one each."""
    check = b'{"type":%b,"state":%b,"data":%b,"reasons":[{"code":%b,"message":%b,"category":%b}]}'
    checks = b",".join(
        check % ((value.text if value.kind == "text" else b'"t"'), *[value.text] * 5) for value in values
    )
    return event(Value("checks", b"[" + checks + b"]", "list"), "checks")


def looks(client: Client, delivery: Delivery) -> None:
    """Open every page that shows the delivery or its session."""
    pages = [
        reverse("admin:kyc_delivery_changelist"),
        reverse("admin:kyc_delivery_change", args=[delivery.pk]),
        reverse("deliveries"),
        reverse("delivery", args=[delivery.pk]),
        reverse("delivery-raw", args=[delivery.pk]),
    ]
    if delivery.session_id:
        session = str(delivery.session_id)
        pages += [
            reverse("session", args=[session]),
            reverse("session-delivery", args=[session, delivery.pk]),
            reverse("admin:kyc_session_change", args=[session]),
            reverse("history"),
            reverse("queue"),
        ]
    for page in pages:
        response = client.get(page)
        assert response.status_code == 200, page
        is_page = response["Content-Type"].startswith("text/html")
        assert not is_page or b"<script>alert(1)" not in response.content, page


def looks_at_it_masked_and_unmasked(client: Client, delivery: Delivery) -> None:
    """Open the pages as an admin sees them, then with everything on them that was sent."""
    masked = reverse("session", args=[delivery.session_id]) if delivery.session_id else reverse("deliveries")
    assert client.get(masked).status_code == 200
    unmask(client, delivery.session or delivery)
    looks(client, delivery)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: together(SMALL), id="many small values"),
        *[pytest.param(lambda value=value: together([value]), id=value.name) for value in LARGE],
        *[pytest.param(lambda value=value: event(value, "check.data"), id=value.name) for value in DEEP],
    ],
)
def test_pages_show_what_was_applied(make: Callable[[], bytes], admin_client: Client) -> None:
    assert wire.post(make()).status_code == 200
    delivery = Delivery.objects.get()
    assert delivery.status == DeliveryStatus.APPLIED
    looks_at_it_masked_and_unmasked(admin_client, delivery)


@pytest.mark.parametrize("value", [pytest.param(value, id=value.name) for value in SMALL[::6]])
def test_pages_show_a_value_in_every_free_place(value: Value, admin_client: Client) -> None:
    assert wire.post(event(value, *FREE)).status_code == 200
    looks_at_it_masked_and_unmasked(admin_client, Delivery.objects.get())


def test_pages_show_what_was_quarantined(admin_client: Client) -> None:
    bodies = [body.make() for body in (*ENCODINGS[2:], *TWICE[:3], *NOTHING_LIKE_JSON[::2])]
    bodies += [event(value, "check.data") for value in INVALID[::6]]
    for body in bodies:
        wire.post(body)
    quarantined = Delivery.objects.filter(status=DeliveryStatus.QUARANTINED)
    assert quarantined.count() > 25
    for delivery in quarantined:
        unmask(admin_client, delivery)
        for name in ("admin:kyc_delivery_change", "delivery"):
            assert admin_client.get(reverse(name, args=[delivery.pk])).status_code == 200, delivery.faults
    for tab in ("", "?status=quarantined", "?tab=quarantined"):
        assert admin_client.get(reverse("deliveries") + tab).status_code == 200


def test_pages_show_what_was_refused(admin_client: Client) -> None:
    odd = [{}, {"X-Request-Id": "\ud800\0"}, {"User-Agent": "\u202e<script>alert(1)</script>" * 99}]
    for body, headers in zip((b"\xff\xfe\0", b"[" * 100_000, b'{"a":"\\ud800"}'), odd, strict=True):
        wire.post(body, signature="\u0661" * 64, **headers)
    assert RefusedRequest.objects.count() == 3
    for refused in RefusedRequest.objects.all():
        unmask(admin_client, refused)
        for name in ("admin:kyc_refusedrequest_change", "refused-request", "refused-request-raw"):
            response = admin_client.get(reverse(name, args=[refused.pk]))
            assert response.status_code == 200
            assert b"<script>alert(1)" not in response.content
