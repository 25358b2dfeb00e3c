"""A file on its way ends with the sign-in that asked for it: a role taken away takes the rest of an export too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client

from kyc.desk import sensitive
from kyc.desk.access import DeskRequest
from kyc.models import User
from tests.conftest import signed_in
from tests.kyc.scene import in_review

pytestmark = pytest.mark.django_db


@pytest.fixture
def download(monkeypatch: Any) -> Callable[[Client], Iterator[bytes]]:
    """Return the parts of a file of three, as the client of somebody gets them."""
    monkeypatch.setattr(sensitive, "LOOK_EVERY", 0.0)

    @sensitive.sensitive_download
    def view(request: DeskRequest) -> HttpResponseBase:
        return StreamingHttpResponse(iter([b"one", b"two", b"three"]))

    def of(client: Client) -> Iterator[bytes]:
        request: Any = client.get("/account/security/").wsgi_request
        answer: Any = view(request)
        return iter(answer)

    return of


def test_it_is_whole_while_the_sign_in_lasts(download: Any, officer_client: Client) -> None:
    assert b"".join(download(officer_client)) == b"onetwothree"


def test_a_role_taken_away_breaks_it_off(download: Any, officer: User) -> None:
    parts = download(signed_in(officer))
    assert next(parts) == b"one"
    officer.groups.remove(Group.objects.get(name="officer"))

    with pytest.raises(sensitive.AccessEnded):
        next(parts)


def test_so_it_does_with_the_sessions_that_were_ticked(officer: User, monkeypatch: Any) -> None:
    monkeypatch.setattr(sensitive, "LOOK_EVERY", 0.0)
    ids = [in_review().pk for _ in range(2)]
    answer: Any = signed_in(officer).post("/queue/bulk/", {"act": "export", "s": ids})
    parts = iter(answer.streaming_content)
    assert b"session" in next(parts)
    officer.groups.remove(Group.objects.get(name="officer"))

    with pytest.raises(sensitive.AccessEnded):
        list(parts)
