"""Ralio's signature: HMAC-SHA256 over the raw bytes, keyed with the secret's UTF-8 text."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from hashlib import sha256

_PREFIX = "sha256="
_HEX = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII)


def sign(secret: str, body: bytes) -> str:
    """Return the signature of `body` as 64 hexadecimal digits."""
    return _digest(secret, body).hex()


def signer(header: str | None, body: bytes, secrets: Sequence[str]) -> str | None:
    """Return the one of `secrets` under which `header` is the signature of `body`, or None.

    Hexadecimal in either case or base64, with an optional "sha256=" before it. Every secret is tried in constant
    time, whichever one matches.
    """
    sent = _decoded(header)
    if sent is None:
        return None
    found = None
    for secret in secrets:
        if hmac.compare_digest(sent, _digest(secret, body)):
            found = secret
    return found


def verify(header: str | None, body: bytes, secrets: Sequence[str]) -> bool:
    """Return True when `header` is the signature of `body` under any of `secrets`."""
    return signer(header, body, secrets) is not None


def is_well_formed(header: str | None) -> bool:
    """Return True when `header` could be a signature, of whatever body under whatever secret."""
    return _decoded(header) is not None


def fingerprint(secret: str) -> str:
    """Return 8 hexadecimal digits by which people can tell secrets apart, and from which none can be guessed back."""
    return sha256(b"Ralio webhook secret: " + secret.encode("utf-8")).hexdigest()[:8]


def _digest(secret: str, body: bytes) -> bytes:
    return hmac.digest(secret.encode("utf-8"), body, "sha256")


def _decoded(header: str | None) -> bytes | None:
    text = (header or "").strip()
    if text[: len(_PREFIX)].lower() == _PREFIX:
        text = text[len(_PREFIX) :].strip()
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if _BASE64.fullmatch(text):
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            return None
    return None
