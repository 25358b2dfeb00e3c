"""One delivery: why it ended as it did, where in its body, what it changed, and who read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from kyc.choices import RefusalCause
from kyc.desk import bodies
from kyc.models import Delivery, Enquiry, LedgerEntry, RefusedRequest, User
from kyc.refusals import refuse
from tests import wire
from tests.factories import DeliveryFactory
from tests.kyc.desk.arrivals import again, arrive, in_order
from tests.kyc.desk.parcels import broken, failed, html, mended, post, refused

pytestmark = pytest.mark.django_db


def page(client: Client, row: Delivery | RefusedRequest, **headers: str) -> str:
    place = "refused/" if isinstance(row, RefusedRequest) else ""
    return " ".join(html(client, f"/deliveries/{place}{row.pk}/", **headers).split())


def test_faults_stand_on_top_and_are_marked_in_the_body(supervisor_client: Client) -> None:
    event = wire.payload("kyc_session_failed.g2", userId="nobody", checks=[{"type": "a", "reasons": "none"}])
    del event["data"]["sessionId"]
    shown = page(supervisor_client, broken(wire.encode(event)))

    assert in_order(
        shown, '"fault__path">data.sessionId', '"fault__path">data.checks[0].reasons', "Body, as received"
    )
    assert '<li class="hit"><span class="k">userId</span>' in shown
    assert '<li class="hit"><span class="k">reasons</span>' in shown
    assert '<li class="hit"><span class="k">sessionId</span> <span class="m">not sent</span>' in shown
    assert shown.count('class="hit"') == 3


def test_a_conflict_marks_the_event_id_and_leads_to_the_first_content(supervisor_client: Client) -> None:
    first = post()
    conflict = post(event_id=first.event_id)

    shown = page(supervisor_client, conflict)
    assert '<li class="hit"><span class="k">id</span>' in shown and "not sent" not in shown
    assert in_order(shown, "First content", f'href="/deliveries/{first.pk}/"')
    assert in_order(page(supervisor_client, first), "Conflicts", f'href="/deliveries/{conflict.pk}/"')


def test_what_is_no_json_is_text(supervisor_client: Client) -> None:
    shown = page(supervisor_client, broken(b"\xff<script>alert(1)</script>"))

    assert "\ufffd&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "The body is not UTF-8 text." in shown


def test_the_facts_are_all_there(supervisor_client: Client) -> None:
    row = post()
    wire.post(bytes(row.body))
    shown = page(supervisor_client, row)

    assert in_order(
        shown, str(row.event_id), "REJECTED, 1 check, 1 reason", "Event time", "earlier", "Answered", "200"
    )
    assert in_order(
        shown, "Came by", "Webhook", "Signed with", row.signed_with, "1 more time, last", row.sha256
    )
    assert in_order(page(supervisor_client, row), "Headers", "X-Signature", "Content-Type")


def test_it_says_what_it_changed(supervisor_client: Client) -> None:
    session = arrive("REVIEW", hours=9)
    again(session, "REJECTED", hours=7)
    again(session, "REVIEW", hours=8)
    first, second, third = session.deliveries.order_by("pk")

    assert in_order(
        page(supervisor_client, first), "What it changed", "not heard of", "REVIEW", "Round", "–", "1"
    )
    changed = page(supervisor_client, second).split("What it changed")[-1]
    assert in_order(changed, ">REVIEW<", ">REJECTED<", "Version", "<td>1</td><td>2</td>")
    assert "Superseded" in page(supervisor_client, first)
    assert "It is the newest event of its session." in page(supervisor_client, second)
    assert "and stayed there" in page(supervisor_client, third)


def test_a_record_leads_to_its_subject_s_sessions(supervisor_client: Client) -> None:
    session = arrive("REVIEW")
    record = post("kyc_state_updated", user_id=session.user_id)

    assert in_order(page(supervisor_client, record), "Subject", "Sessions", f'href="/sessions/{session.pk}/"')


def test_an_ignored_one_keeps_no_body(supervisor_client: Client) -> None:
    row = post("payin_completed")

    assert "its body is not ours to keep" in page(supervisor_client, row)
    assert supervisor_client.get(f"/deliveries/{row.pk}/raw/").status_code == 404


def test_a_failed_one_says_its_tries_and_when_the_next_is(supervisor_client: Client) -> None:
    shown = page(supervisor_client, failed())

    assert in_order(shown, "RuntimeError at folding.py:1", "The worker tries it again", "Tries", "3, next")


def test_replays_and_their_person_are_named(supervisor_client: Client, admin: User) -> None:
    row = mended()
    row.n_replays, row.last_replay_at, row.last_replay_by = 2, timezone.now(), admin
    row.save()

    assert in_order(page(supervisor_client, row), "Replays", "2, last", "by admin")


def test_what_ralio_s_api_said_is_marked_and_so_is_the_question(supervisor_client: Client) -> None:
    asked = DeliveryFactory(source="api")
    row = DeliveryFactory()
    Enquiry.objects.create(delivery=row, status="answered", next_try_at=None, answer=asked)

    assert in_order(
        page(supervisor_client, asked), "Ralio’s API", "we asked Ralio’s API", "nothing: we asked"
    )
    assert in_order(page(supervisor_client, row), "was asked: answered", f'href="/deliveries/{asked.pk}/"')


def test_the_personal_link_is_not_shown_anywhere(supervisor_client: Client) -> None:
    link = "https://verify.example/personal"
    session = {"id": "00000000-0000-4000-8000-000000000001", "url": link}
    rows = [
        post("related_party.kyc_session_created", kycSession=session),
        broken(b'{"data": {"kycSession": {"url": "' + link.encode() + b'"}}, "n": NaN}'),
        broken(b'{"data": {"kycSession": {"hostedUrl": "' + link.encode()),
    ]
    for row in rows:
        raw = supervisor_client.get(f"/deliveries/{row.pk}/raw/").content
        assert link not in page(supervisor_client, row) and link.encode() not in raw
        assert "personal link is kept, and not shown" in page(supervisor_client, row)


def test_the_raw_bytes_are_a_file_that_no_browser_opens(supervisor_client: Client, supervisor: User) -> None:
    row = broken(b"<html>\x00")
    answer = supervisor_client.get(f"/deliveries/{row.pk}/raw/")

    assert (answer.content, answer["Content-Type"]) == (b"<html>\x00", "application/octet-stream")
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["X-Content-Type-Options"] == "nosniff"
    entry = LedgerEntry.objects.get(chain=f"person:{supervisor.pk}", action="delivery.downloaded")
    assert json.loads(entry.detail) == {"delivery": row.pk}


def test_reading_one_is_recorded(supervisor_client: Client, supervisor: User) -> None:
    row, request = post(), refused()
    page(supervisor_client, row), page(supervisor_client, request)
    supervisor_client.get(f"/deliveries/refused/{request.pk}/raw/")

    acts = LedgerEntry.objects.filter(chain=f"person:{supervisor.pk}", action__contains=".read")
    acts |= LedgerEntry.objects.filter(chain=f"person:{supervisor.pk}", action__contains=".downloaded")
    assert list(acts.order_by("seq").values_list("action", flat=True)) == [
        "delivery.read",
        "refused_request.read",
        "refused_request.downloaded",
    ]


def test_a_refused_request_says_that_nobody_vouches_for_it(supervisor_client: Client) -> None:
    row = refused()
    shown = page(supervisor_client, row)

    assert in_order(shown, "Signature wrong", "Nobody vouches for what it says", "401", row.sha256)
    assert (
        sha256(supervisor_client.get(f"/deliveries/refused/{row.pk}/raw/").content).hexdigest() == row.sha256
    )


def test_one_too_large_has_no_body(supervisor_client: Client) -> None:
    row = refuse(RefusalCause.TOO_LARGE, {"Content-Length": "100000000"}, n_bytes=10**8)
    shown = page(supervisor_client, row)

    assert in_order(
        shown, "larger than we take", "The body is not kept.", "413", "100,000,000 bytes, declared, not kept"
    )
    assert supervisor_client.get(f"/deliveries/refused/{row.pk}/raw/").status_code == 404


def test_htmx_gets_the_pane_and_others_a_page(supervisor_client: Client) -> None:
    row = post()
    pane = page(supervisor_client, row, **{"HX-Request": "true"})

    assert pane.startswith('<aside class="card peek') and "<html" not in pane
    assert f'data-session="{row.pk}"' in pane
    assert "<html" in page(supervisor_client, row)
    assert "HX-Request" in supervisor_client.get(f"/deliveries/{row.pk}/")["Vary"]


def test_a_body_too_long_for_the_page_is_a_download(supervisor_client: Client) -> None:
    row = post(filler="x" * bodies.LONGEST_BODY)

    assert "It is too long for the page" in page(supervisor_client, row)


def test_the_queries_of_a_page(supervisor_client: Client, queries: Callable) -> None:
    session = arrive("REVIEW", hours=9)
    for hours in range(8):
        again(session, "REVIEW", hours=hours)
    # Two for the sign-in, one for the frame, two of its own; the ledger's are the rest.
    number = 7 if connection.vendor == "postgresql" else 8
    newest = session.deliveries.latest("pk")
    with queries(number):
        supervisor_client.get(f"/deliveries/{newest.pk}/")
