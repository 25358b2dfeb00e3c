"""What people did is told in whole sentences, which name the people in them, and the reader as you."""

from __future__ import annotations

import pytest
from django.template import RequestContext, Template
from django.test import Client, RequestFactory

from kyc.models import User
from tests.kyc.desk.arrivals import in_order, page
from tests.kyc.desk.panels import act, panel, session_in_review

pytestmark = pytest.mark.django_db


def told(words: str, by: User | None, other: object = "", state: object = "", *, reader: User) -> str:
    """Return a sentence as a reader's page writes it."""
    request = RequestFactory().get("/")
    request.user = reader
    template = Template("{% load people %}{% told words by other state=state is_bold=True %}")
    return template.render(
        RequestContext(request, {"words": words, "by": by, "other": other, "state": state})
    )


def test_a_sentence_names_its_people_and_its_reader_as_you(officer: User, supervisor: User) -> None:
    words = "%(person)s asked to take over from %(other)s"

    assert told(words, officer, supervisor, reader=officer) == "<b>You</b> asked to take over from supervisor"
    assert told(words, officer, "supervisor", reader=supervisor) == (
        "<b>officer</b> asked to take over from you"
    )
    assert told("%(person)s ended the wait", None, reader=officer) == "<b>The desk</b> ended the wait"


def test_what_was_sent_or_typed_is_no_markup_in_a_sentence(officer: User) -> None:
    sent = told("Ralio sent %(state)s to %(other)s", None, "<i>x</i>", "<b>REVIEW", reader=officer)

    assert sent == "Ralio sent &lt;b&gt;REVIEW to &lt;i&gt;x&lt;/i&gt;"


def test_a_release_for_another_person_names_them(
    officer_client: Client, supervisor_client: Client, officer: User
) -> None:
    session = session_in_review()
    act(officer_client, session, "claim")
    act(supervisor_client, session, "release")

    assert "You</b> released this session for officer" in page(supervisor_client, session)
    assert "supervisor</b> released this session for you" in page(officer_client, session)


def test_who_assigns_a_session_to_themselves_claims_it(supervisor_client: Client, supervisor: User) -> None:
    session = session_in_review()
    act(supervisor_client, session, "assign", to=supervisor.pk)
    html = page(supervisor_client, session)

    assert in_order(html, "You</b> claimed this session")
    assert "Claimed by you" in panel(html)
