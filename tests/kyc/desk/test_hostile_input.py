"""Whatever is sent to the desk, by hand or by a broken browser, is answered in words; nothing trips over it."""

from __future__ import annotations

import re
from html import escape
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from kyc.models import Decision, Note, SavedView, Session
from tests.kyc.desk.arrivals import refused
from tests.kyc.desk.panels import WORDS, act, decide, reject, seen, session_in_review
from tests.kyc.desk.test_strangers_text import safe

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>\"' onmouseover=x {{ 7|add:7 }} \u202e"
HUGE = "x" * 200_000
SURROGATE = "\ud800".encode("utf-8", "surrogatepass")
TEXTS: list[Any] = ["", "\0", SURROGATE, EVIL, "=1+1", HUGE, ["a", "b"]]
NUMBERS: list[Any] = ["abc", "-1", str(10**30), "\0", "1e3", ["1", "x"]]
DAYS = ["abc", "10000-01-01", "0001-01-01", "9999-12-31", "2026-02-30", "\0"]
WAYS = [
    "javascript:alert(1)",
    "//evil.example",
    "next=//evil.example",
    "a=%00%0d%0aSet-Cookie: b=c",
    "é" * 1900,
    HUGE,
]
PLACES = ("/queue/", "/sessions/")


@pytest.fixture
def session() -> Session:
    return session_in_review()


def post(client: Client, address: str, **fields: Any) -> HttpResponse:
    answer = client.post(address, fields)
    assert answer.status_code in (200, 302, 303, 403, 409, 422), (answer.status_code, address)
    assert answer.get("Location", "/queue/").startswith(PLACES) and len(answer.get("Location", "")) < 8100
    return answer


# --- The panel -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "decision", ["approve", "reject", "escalate", "second_review", "wait", "resume", "nothing"]
)
def test_no_text_of_a_decision_is_tripped_over(
    supervisor_client: Client, session: Session, decision: str
) -> None:
    saw = seen(supervisor_client, session)
    for text in TEXTS:
        fields = {f"rationale_{decision}": text, "codes": text, "to_escalate": text, "until_time": text}
        post(
            supervisor_client,
            f"/sessions/{session.pk}/decide/",
            **{**saw, "version": "", "decision": decision, **fields},
        )
    assert not Decision.objects.exists()


@pytest.mark.parametrize("name", ["version", "basis"])
def test_who_does_not_say_what_was_seen_has_seen_nothing(
    officer_client: Client, session: Session, name: str
) -> None:
    saw = seen(officer_client, session)
    for number in NUMBERS[:-1]:
        answer = reject(officer_client, session, saw={**saw, name: number})
        assert answer.status_code == 409 and WORDS in answer.content.decode()
    assert not Decision.objects.exists()


@pytest.mark.parametrize("name", ["escalate", "second_review"])
def test_a_person_who_is_none_is_refused_at_the_list(
    officer_client: Client, session: Session, name: str
) -> None:
    for number in ["abc", "-1", str(10**30), "987654"]:
        answer = decide(officer_client, session, name, **{f"to_{name}": number, f"rationale_{name}": WORDS})
        html = answer.content.decode()
        assert answer.status_code == 422 and f'href="#decide-to_{name}"' in html and WORDS in html
    assert not Decision.objects.exists()


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/New_York"])
def test_a_day_that_is_none_is_refused_at_its_field(
    settings: Any, officer_client: Client, session: Session, day: str, zone: str
) -> None:
    settings.TIME_ZONE = zone
    answer = decide(officer_client, session, "wait", until_date=day, until_time="23:59", rationale_wait=WORDS)
    html = answer.content.decode()
    assert answer.status_code == 422 and 'href="#decide-until_date"' in html and WORDS in html


def test_codes_that_no_engine_holds_come_back_as_they_were_ticked(
    officer_client: Client, session: Session
) -> None:
    for codes in (["\0"], ["NO_MATCH", EVIL], [HUGE], [f"C{n}" for n in range(900)]):
        answer = reject(officer_client, session, codes=codes)
        html = answer.content.decode()
        assert answer.status_code == 422 and 'href="#decide-codes' in html and WORDS in html
        assert safe(html + "{{") and not Decision.objects.exists()
    post(officer_client, f"/sessions/{session.pk}/decide/", find="", code="\0", codes=["\0", EVIL])


@pytest.mark.parametrize("text", ["\0", HUGE, "ok \ud7ff"])
def test_words_that_are_too_long_or_cannot_be_kept(
    officer_client: Client, session: Session, text: str
) -> None:
    answer = decide(officer_client, session, "reject", codes="NO_MATCH", rationale_reject=text)
    assert answer.status_code == 422 and 'href="#decide-rationale_reject"' in answer.content.decode()
    assert text in answer.content.decode()


def test_what_people_write_is_text_on_every_page(supervisor_client: Client) -> None:
    session = session_in_review()
    act(supervisor_client, session, "notes", text=EVIL)
    reject_with = {"codes": "NO_MATCH", "rationale_reject": EVIL * 2}
    assert decide(supervisor_client, session, "reject", **reject_with).status_code == 303
    assert Note.objects.get().text == EVIL.strip()
    for address in (f"/sessions/{session.pk}/", "/rejected/", f"/queue/peek/{session.pk}/", "/queue/portal/"):
        assert safe(supervisor_client.get(address).content.decode() + "{{"), address
    assert escape(EVIL[:20]) in supervisor_client.get(f"/sessions/{session.pk}/").content.decode()


def test_no_cell_of_an_export_is_a_formula(supervisor_client: Client) -> None:
    formula = "=HYPERLINK(1)"
    session = session_in_review(checks=[refused(formula, "+1+1", type="@SUM(1)", category="-1")])
    form = {"act": "export", "s": str(session.pk)}
    queue = b"".join(supervisor_client.post("/queue/bulk/", form)).decode()
    decide(supervisor_client, session, "reject", codes=formula, rationale_reject=f"={WORDS}")
    others = [
        b"".join(supervisor_client.get(at)).decode() for at in ("/rejected/export/", "/queue/portal/export/")
    ]

    for told in (queue, *others):
        assert not re.search(r'(^|,)"?[=+@-]', told, re.MULTILINE), told
        assert "'=HYPERLINK(1)" in told


# --- Ways, views, bulk ---------------------------------------------------------------------------
@pytest.mark.parametrize("way", WAYS, ids=range(len(WAYS)))
def test_a_way_that_is_none_leads_nowhere_else(supervisor_client: Client, way: str) -> None:
    session, free = session_in_review(), session_in_review()
    assert post(supervisor_client, f"/sessions/{session.pk}/claim/", **{"from": way}).status_code == 303
    post(supervisor_client, f"/sessions/{session.pk}/decide/", **{"from": way})
    post(supervisor_client, "/queue/bulk/", **{"from": way, "release": str(session.pk)})
    post(supervisor_client, "/queue/bulk/", **{"from": way, "act": "claim", "s": str(session.pk)})
    post(supervisor_client, "/queue/views/", **{"from": way, "name": "A"})
    assert post(supervisor_client, "/queue/claim-next/", **{"from": way}).status_code == 302
    assert Session.objects.get(pk=free.pk).assignee is not None


def test_a_way_of_too_many_parts_still_shows_the_session(officer_client: Client, session: Session) -> None:
    assert officer_client.get(f"/sessions/{session.pk}/", {"from": "&" * 1500}).status_code == 200
    assert post(officer_client, f"/sessions/{session.pk}/claim/", **{"from": "&" * 1500}).status_code == 303


def test_a_views_name_and_filters_are_what_they_seem(officer_client: Client) -> None:
    for name in ("", "\0", "x" * 300, " \u00a0\t", EVIL * 2):
        answer = officer_client.post("/queue/views/", {"name": name, "from": "view=mine"})
        assert answer.status_code == 422 and "view" in answer.content.decode()
    long = "&".join(f"reason={n}{'x' * 5000}" for n in range(20))
    answer = officer_client.post("/queue/views/", {"name": "Long", "from": long})
    assert answer.status_code == 422 and "These filters are too long to be saved." in answer.content.decode()
    assert not SavedView.objects.exists()

    assert (
        officer_client.post("/queue/views/", {"name": "<b>A", "from": "next=//evil&view=mine"}).status_code
        == 302
    )
    assert SavedView.objects.get().query == "view=mine"
    assert "&lt;b&gt;A" in officer_client.get("/queue/").content.decode()


def test_more_sessions_than_a_page_can_tick_are_refused_as_a_whole(officer_client: Client) -> None:
    session = session_in_review()
    ids = [str(session.pk), *(str(uuid4()) for _ in range(300))]
    answer = officer_client.post("/queue/bulk/", {"act": "claim", "s": ids}, follow=True)

    assert "Tick at most 100 sessions. You ticked 301." in answer.content.decode()
    assert Session.objects.get().assignee is None
    assert officer_client.post("/queue/bulk/", {"act": "claim", "s": ids * 20}).status_code == 400


def test_no_id_and_no_act_is_tripped_over(supervisor_client: Client, session: Session) -> None:
    for text in [*TEXTS, *NUMBERS]:
        for fields in (
            {"s": text},
            {"act": text},
            {"act": "assign", "to": text},
            {"claim": text},
            {"rationale": text},
        ):
            post(supervisor_client, "/queue/bulk/", **{"act": "escalate", "s": str(session.pk), **fields})
        post(supervisor_client, f"/sessions/{session.pk}/assign/", to=text)
        post(supervisor_client, f"/sessions/{session.pk}/settle/", outcome=text, codes=text, rationale=text)


# --- Addresses -----------------------------------------------------------------------------------
NAMES = (
    "q",
    "view",
    "assignee",
    "from",
    "to",
    "age",
    "reason",
    "entity",
    "s",
    "asked",
    "after",
    "since",
    "code",
    "sort",
)


@pytest.mark.parametrize(
    "address",
    [
        "/queue/",
        "/queue/rows/",
        "/queue/new/",
        "/queue/portal/",
        "/sessions/%s/",
        "/sessions/%s/codes/",
        "/queue/peek/%s/",
    ],
)
def test_no_address_is_tripped_over(supervisor_client: Client, session: Session, address: str) -> None:
    address = address.replace("%s", str(session.pk))
    for text in ["\0", SURROGATE, EVIL, "9" * 30, "10000-01-01", "-1", *WAYS[:4]]:
        answer = supervisor_client.get(address, dict.fromkeys(NAMES, text))
        assert answer.status_code in (200, 204, 302), (address, text)
