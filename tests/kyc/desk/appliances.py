"""What people carry: an authenticator app, and a passkey made of Python."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from typing import Any

import pyotp
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from kyc.models import User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HOST, ORIGIN = "localhost", "https://localhost"
PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def with_app(person: User) -> Authenticator:
    """Give a person an authenticator app with SECRET."""
    app: Authenticator = TOTP.activate(person, SECRET).instance
    return app


def code(steps: int = 0) -> str:
    """Return what the app shows now, or so many half minutes later."""
    return pyotp.TOTP(SECRET).at(int(time.time()) + 30 * steps)


@dataclass
class Passkey:
    """A passkey of a device that asks for a fingerprint, for a desk at ORIGIN."""

    id: bytes = b"0123456789abcdef"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user: str = ""

    def made(self, options: dict[str, Any]) -> str:
        """Return what the browser sends when a passkey was made as `options` ask."""
        self.user = options["publicKey"]["user"]["id"]
        public = AttestedCredentialData.create(
            b"\0" * 16, self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = AuthenticatorData.create(_digest(HOST.encode()), PRESENT | VERIFIED | ATTESTED, 0, public)
        attested = AttestationObject.create("none", data, {})
        told = {"clientDataJSON": _told("webauthn.create", options), "attestationObject": bytes(attested)}
        return self._sent(told, {"credProps": {"rk": True}})

    def answer(self, options: dict[str, Any]) -> str:
        """Return what the browser sends when the passkey answered what `options` ask."""
        told, data = (
            _told("webauthn.get", options),
            bytes(AuthenticatorData.create(_digest(HOST.encode()), PRESENT | VERIFIED, 1)),
        )
        signature = self.key.sign(data + _digest(told), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": told, "authenticatorData": data, "signature": signature}
        return self._sent(response, {}, userHandle=self.user)

    def _sent(self, response: dict[str, bytes], extensions: dict[str, Any], **more: str) -> str:
        name = websafe_encode(self.id)
        encoded = {key: websafe_encode(value) for key, value in response.items()}
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "response": {**encoded, **more},
                "clientExtensionResults": extensions,
            }
        )


def options_of(page: str) -> dict[str, Any]:
    """Return what a page asks of the browser's passkeys."""
    found = re.search(r'data-options="([^"]*)"', page)
    assert found, "the page asks for no passkey"
    options: dict[str, Any] = json.loads(unescape(found[1]))
    return options


def _told(kind: str, options: dict[str, Any]) -> bytes:
    told = {
        "type": kind,
        "challenge": options["publicKey"]["challenge"],
        "origin": ORIGIN,
        "crossOrigin": False,
    }
    return json.dumps(told).encode()


def _digest(data: bytes) -> bytes:
    return sha256(data).digest()
