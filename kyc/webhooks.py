"""The door that Ralio knocks at. The view's body is the flow; each step is a function or a class beside it."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed, MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kyc import ingestion, refusals
from kyc.choices import DeliveryStatus, QuarantineCause, RefusalCause
from kyc.ralio import signature
from kyc.ralio.events import clean

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 30
# What Ralio reads is English, whatever the desk speaks to people.
NOT_TRUSTED = {
    RefusalCause.SIGNATURE_MISSING: "Signature missing",
    RefusalCause.SIGNATURE_WRONG: "Signature wrong",
}
# What the inbox shows of a request, and what a later look at its signature needs.
KEPT_HEADERS = (
    "X-Signature",
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Transfer-Encoding",
    "User-Agent",
    "X-Request-Id",
)
MAX_HEADER_LENGTH = 1024
# Where WSGI puts each of them: `request.headers` would look at every header that came.
_KEPT_KEYS = {
    name: key
    if (key := name.upper().replace("-", "_")) in {"CONTENT_TYPE", "CONTENT_LENGTH"}
    else f"HTTP_{key}"
    for name in KEPT_HEADERS
}


class TooLarge(Exception):
    """The body is larger than we take. `n_bytes` is its declared size, or None when it came in chunks."""

    def __init__(self, n_bytes: int | None) -> None:
        super().__init__()
        self.n_bytes = n_bytes


class Problem(JSONRenderer):
    """Errors as RFC 9457 has them."""

    media_type = "application/problem+json"
    charset = None


class AlwaysJson(BaseContentNegotiation):
    """Answer JSON whatever Accept says: a 406 would destroy the event."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class RalioWebhook(APIView):
    """Take one delivery: read, verify, keep and interpret, answer."""

    http_method_names = ["post"]
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = ()
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson

    def post(self, request: Request) -> HttpResponse:
        headers = kept_headers(request._request)
        try:
            body = read_body(request._request)
        except TooLarge as error:
            refusals.refuse(RefusalCause.TOO_LARGE, headers, n_bytes=error.n_bytes)
            return problem(413, f"The body is larger than {settings.RALIO_WEBHOOK_MAX_BYTES} bytes.")
        sent = request.META.get("HTTP_X_SIGNATURE")
        secret = signature.signer(sent, body, settings.RALIO_WEBHOOK_SECRETS)
        if secret is None:
            cause = RefusalCause.SIGNATURE_WRONG if sent else RefusalCause.SIGNATURE_MISSING
            refusals.refuse(cause, headers, body=body)
            return problem(401, f"{NOT_TRUSTED[cause]}: X-Signature must be the HMAC-SHA256 of the raw body.")
        return answer(ingestion.receive(body, headers, signed_with=signature.fingerprint(secret)))

    def perform_authentication(self, request: Request) -> None:
        """Leave it out: the signature is all there is."""

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        raise MethodNotAllowed(str(request.method), f'Method "{request.method}" not allowed.')

    def handle_exception(self, exc: Exception) -> Response:
        """Answer 405 for another method; for all else 503, so that Ralio sends the event again."""
        if isinstance(exc, APIException) and not isinstance(exc, AuthenticationFailed):
            return problem(exc.status_code, str(exc.detail))
        logger.error("A delivery could not be stored: %s", type(exc).__name__)
        what = "The database does not answer." if isinstance(exc, Error) else "The event could not be stored."
        response = problem(status.HTTP_503_SERVICE_UNAVAILABLE, f"{what} Send the event again.")
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def read_body(request: HttpRequest) -> bytes:
    """Return the raw body, chunked ones too. Raises TooLarge before reading what was declared too large."""
    limit = settings.RALIO_WEBHOOK_MAX_BYTES
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and int(declared[:18]) > limit:
        raise TooLarge(int(declared[:18]))
    # Django limits what it reads to Content-Length, which a chunked body has not: read the server's own stream then.
    stream = request if declared else request.environ["wsgi.input"]  # type: ignore[attr-defined]
    parts: list[bytes] = []
    n_read = 0
    while n_read <= limit and (part := stream.read(min(65_536, limit + 1 - n_read))):
        parts.append(part)
        n_read += len(part)
    if n_read > limit:
        raise TooLarge(None)
    return b"".join(parts)


def kept_headers(request: HttpRequest) -> dict[str, str]:
    """Return the headers worth keeping, as text that every engine can store."""
    sent = request.META
    return {name: clean(sent[key][:MAX_HEADER_LENGTH]) for name, key in _KEPT_KEYS.items() if sent.get(key)}


def answer(receipt: ingestion.Receipt) -> HttpResponse:
    """Return what Ralio hears of a kept delivery."""
    delivery = receipt.delivery
    if receipt.is_duplicate:
        return _received(duplicate=True)
    if delivery.status != DeliveryStatus.QUARANTINED:
        return _received()
    if delivery.cause == QuarantineCause.ID_CONFLICT:
        return _received(quarantined="id_conflict")
    return problem(400, "The body is not an event that we know how to read.", delivery.faults)


def _received(**more: bool | str) -> HttpResponse:
    # Django's own class: a DRF response, which would choose a renderer first, costs a third of the view's time.
    body = json.dumps({"received": True, **more}, separators=(",", ":"))
    return HttpResponse(body, content_type="application/json")


def problem(code: int, title: str, errors: list[dict[str, str]] | None = None) -> Response:
    """Return an error as application/problem+json; `errors` name a path and a message each."""
    body = {"type": "about:blank", "title": title, "status": code, "errors": errors or []}
    return Response(body, status=code, content_type=Problem.media_type)
