"""What is not trusted: refused before it is parsed, kept apart in a bounded ring."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client, RequestFactory

from kyc import refusals
from kyc.choices import RefusalCause
from kyc.models import Delivery, RefusedRequest, Session
from kyc.ralio.signature import sign
from kyc.webhooks import RalioWebhook
from tests import wire

pytestmark = pytest.mark.django_db


def test_a_request_without_a_signature_is_refused_and_kept_apart() -> None:
    event = wire.payload("kyc_session_failed")
    response = wire.post(event, signature="")

    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    refused = RefusedRequest.objects.get()
    assert (refused.cause, bytes(refused.body)) == (RefusalCause.SIGNATURE_MISSING, wire.encode(event))
    assert not Delivery.objects.exists()
    assert not Session.objects.exists()


def test_a_wrong_signature_is_refused() -> None:
    assert wire.post(wire.payload("kyc_session_failed"), secret="other").status_code == 401
    assert RefusedRequest.objects.get().cause == RefusalCause.SIGNATURE_WRONG


def test_a_tampered_body_is_refused() -> None:
    event = wire.payload("kyc_session_failed")
    signature = wire.sign(event)
    event["data"]["sessionId"] = event["id"]
    assert wire.post(event, signature=signature).status_code == 401


def test_secrets_rotate(settings: Any) -> None:
    settings.RALIO_WEBHOOK_SECRETS = ["new", "old"]
    for secret in ("new", "old"):
        assert wire.post(wire.payload("kyc_session_failed"), secret=secret).status_code == 200
    settings.RALIO_WEBHOOK_SECRETS = ["new"]
    assert wire.post(wire.payload("kyc_session_failed"), secret="old").status_code == 401


def test_a_body_declared_too_large_is_refused_unread(settings: Any) -> None:
    settings.RALIO_WEBHOOK_MAX_BYTES = 100
    body = b"x" * 101
    response = wire.post(body)

    assert response.status_code == 413
    refused = RefusedRequest.objects.get()
    assert (refused.cause, refused.n_bytes, bytes(refused.body)) == (RefusalCause.TOO_LARGE, 101, b"")


def test_a_body_of_the_greatest_size_is_taken(settings: Any) -> None:
    body = wire.encode(wire.payload("kyc_session_failed"))
    settings.RALIO_WEBHOOK_MAX_BYTES = len(body)
    assert wire.post(body).status_code == 200


class Chunks(io.RawIOBase):
    """A body of unknown length that counts what was read of it."""

    def __init__(self, n_bytes: int) -> None:
        self.left, self.n_read = n_bytes, 0

    def read(self, size: int = -1) -> bytes:
        part = min(self.left, size, 1000)
        self.left -= part
        self.n_read += part
        return b"x" * part


def test_a_chunked_body_is_read_only_up_to_the_cap(settings: Any) -> None:
    settings.RALIO_WEBHOOK_MAX_BYTES = 5000
    stream = Chunks(10_000_000)
    request = RequestFactory().generic("POST", "/webhooks/ralio", headers={"Transfer-Encoding": "chunked"})
    request.META.pop("CONTENT_LENGTH", None)
    request.environ["wsgi.input"] = stream

    assert RalioWebhook.as_view()(request).status_code == 413
    assert stream.n_read <= 6000
    assert RefusedRequest.objects.get().n_bytes is None


def test_a_chunked_body_is_taken() -> None:
    body = wire.encode(wire.payload("kyc_session_failed"))
    request = RequestFactory().generic("POST", "/webhooks/ralio", headers={"X-Signature": wire.sign(body)})
    request.META.pop("CONTENT_LENGTH", None)
    request.environ["wsgi.input"] = io.BytesIO(body)

    assert RalioWebhook.as_view()(request).status_code == 200
    assert Session.objects.count() == 1


@pytest.mark.parametrize("length", ["-1", "abc", "9" * 40, "١"])
def test_an_odd_content_length_is_no_error(length: str) -> None:
    body = wire.encode(wire.payload("kyc_session_failed"))
    response = Client().post(
        "/webhooks/ralio",
        data=body,
        content_type="text/plain",
        headers={"X-Signature": sign("x", body)},
        CONTENT_LENGTH=length,
    )
    assert response.status_code in {401, 413}


def test_the_ring_is_bounded_in_rows_and_bytes(settings: Any) -> None:
    settings.RALIO_REFUSED_MAX_ROWS, settings.RALIO_REFUSED_MAX_BYTES = 5, 1000
    for _ in range(8):
        refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x" * 10)
    refusals.trim()
    kept = list(RefusedRequest.objects.order_by("id").values_list("id", flat=True))
    assert len(kept) == 5

    for _ in range(2):
        refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x" * 490)
    assert [request.n_kept_bytes for request in RefusedRequest.objects.order_by("id")] == [490, 490]


def test_a_large_body_trims_the_ring_at_once(settings: Any) -> None:
    settings.RALIO_REFUSED_MAX_BYTES = 200_000
    for _ in range(5):
        wire.post(b"x" * 70_000, signature="")
    assert sum(request.n_kept_bytes for request in RefusedRequest.objects.all()) <= 200_000


def test_a_body_larger_than_the_ring_leaves_only_its_digest(settings: Any) -> None:
    settings.RALIO_REFUSED_MAX_BYTES = 100
    refused = refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x" * 101)
    assert (bytes(refused.body), refused.n_bytes, len(refused.sha256)) == (b"", 101, 64)


def test_headers_are_kept_as_text_that_every_engine_stores() -> None:
    wire.post(wire.payload("kyc_session_failed"), **{"X-Request-Id": "a\0b" + "x" * 5000, "Cookie": "secret"})
    headers = kept_headers()
    assert headers["X-Request-Id"].startswith("a\ufffdb")
    assert len(headers["X-Request-Id"]) == 1024
    assert "Cookie" not in headers


def kept_headers() -> dict[str, str]:
    return Delivery.objects.get().headers
