"""What passes between a page and the browser's passkeys, either way. What comes back is a stranger's: nothing is taken as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext
from fido2.utils import websafe_decode
from fido2.webauthn import AuthenticatorData

# As a browser writes bytes.
BYTES = re.compile(r"[A-Za-z0-9_-]+")
PARTS = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")
LONGEST, LONGEST_NAME = 100_000, 60
# What allauth and the library below it raise of an answer that is none.
NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def as_json(options: Mapping[str, Any]) -> str:
    """Return what the browser is to be asked for, as text of an attribute."""
    return json.dumps(options, cls=DjangoJSONEncoder)


class CredentialField(forms.JSONField):
    """A passkey's answer, with the members that count and no others: one that is added is kept as it is here."""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            if len(value) > LONGEST:
                raise unfit()
            return _tidied(super().to_python(value))
        except (*NONSENSE, RecursionError):
            raise unfit() from None


class AddForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey."""

    credential = CredentialField(widget=forms.HiddenInput)

    def clean_name(self) -> str:
        name: str = super().clean_name()
        return name[:LONGEST_NAME]

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except NONSENSE:
            raise unfit() from None
        return cleaned


class _Answer(AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()
        except NONSENSE:
            raise unfit() from None


class SecondStepForm(_Answer):
    """A passkey's answer after the password."""


class AloneForm(_Answer, LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey's answer in place of the password: its device must have asked for a fingerprint, a face or a PIN.

    allauth asks for that where it asks for this answer. One to what another page asked (the second step, which is
    content with a touch) would be taken here too, and whoever found a key could sign in with it alone.
    """

    def clean_credential(self) -> Any:
        sent = self.cleaned_data["credential"]
        authenticator = super().clean_credential()
        if not AuthenticatorData(websafe_decode(sent["response"]["authenticatorData"])).is_user_verified():
            raise unfit()
        return authenticator


class AgainForm(_Answer, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey's answer from somebody who is signed in."""


def unfit() -> ValidationError:
    return ValidationError(gettext("That passkey was not accepted."), code="incorrect_code")


def _tidied(sent: Any) -> dict[str, Any]:
    """Return the members that count. Raises one of NONSENSE."""
    if not isinstance(sent, dict):
        raise TypeError
    response = {part: _bytes(sent["response"][part]) for part in PARTS if sent["response"].get(part)}
    is_resident = sent.get("clientExtensionResults", {}).get("credProps", {}).get("rk")
    extensions = {"credProps": {"rk": is_resident}} if isinstance(is_resident, bool) else {}
    return {
        "id": _bytes(sent["id"]),
        "rawId": _bytes(sent["rawId"]),
        "type": "public-key",
        "response": response,
        "clientExtensionResults": extensions,
    }


def _bytes(text: str) -> str:
    if not BYTES.fullmatch(text):
        raise ValueError
    return text
