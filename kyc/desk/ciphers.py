"""What lies in the database for the desk alone to read: the secrets of second factors, and requests that wait.

The key is made of SECRET_KEY, and what an earlier one encrypted is read for as long as SECRET_KEY_FALLBACKS holds it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "kyc.desk.ciphers"


class Unreadable(Exception):
    """It was encrypted with a key that this desk has no longer."""


def encrypt(text: str) -> str:
    return _cipher(_keys()).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Return what was encrypted. Raises Unreadable."""
    try:
        return _cipher(_keys()).decrypt(token.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def renewed(token: str) -> str:
    """Return the same under the present key; the very token where it is. Raises Unreadable."""
    keys = _keys()
    try:
        _cipher(keys[:1]).decrypt(token.encode())
    except InvalidToken:
        return encrypt(decrypt(token))
    return token


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_key(secret)) for secret in keys])


def _key(secret: str) -> bytes:
    return urlsafe_b64encode(salted_hmac(SALT, "", secret=secret, algorithm="sha256").digest())
