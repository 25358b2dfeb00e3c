from __future__ import annotations

import base64
import hmac

import pytest

from kyc.ralio.signature import sign, verify

BODY = b'{"id": "1"}'
DIGEST = hmac.digest(b"secret", BODY, "sha256")


def test_it_signs_with_hmac_sha256_in_hexadecimal() -> None:
    assert sign("secret", BODY) == DIGEST.hex()


@pytest.mark.parametrize(
    "header",
    [
        DIGEST.hex(),
        DIGEST.hex().upper(),
        base64.b64encode(DIGEST).decode(),
        "sha256=" + DIGEST.hex(),
        "SHA256=" + DIGEST.hex(),
        "sha256=" + base64.b64encode(DIGEST).decode(),
        f"  {DIGEST.hex()} ",
    ],
)
def test_it_takes_every_way_of_writing_the_digest(header: str) -> None:
    assert verify(header, BODY, ["secret"])
    assert not verify(header, BODY + b" ", ["secret"])


def test_any_of_several_secrets_may_have_signed() -> None:
    assert verify(sign("old", BODY), BODY, ["new", "old"])
    assert not verify(sign("older", BODY), BODY, ["new", "old"])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        DIGEST.hex()[:-1],
        DIGEST.hex() + "0",
        "sha512=" + DIGEST.hex(),
        base64.b64encode(DIGEST).decode()[:-1],
        base64.b64encode(DIGEST + b"1").decode(),
        base64.urlsafe_b64encode(b"\xfb" * 32).decode(),
        "ü" * 64,
        "٣" * 64,
        DIGEST.hex() + "\x00",
    ],
)
def test_it_refuses_what_is_no_digest(header: str | None) -> None:
    assert not verify(header, BODY, ["secret"])


def test_no_secret_signs_nothing() -> None:
    assert not verify(sign("", BODY), BODY, [])
