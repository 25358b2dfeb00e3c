"""The second factors of people: authenticator apps, passkeys and the codes on paper beside them."""

from __future__ import annotations

import logging
from typing import Any

from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret, validate_totp_code
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, gettext_lazy

from kyc import ledger, people
from kyc.desk import ciphers
from kyc.desk.sensitive import FACTORS
from kyc.models import User

logger = logging.getLogger(__name__)

# For as long as a code can be the right one: half a minute of its own, and as much before and after.
CODE_SECONDS = 90
NEW_SECRET = "desk_new_secret"  # noqa: S105 - the name of its place in the session


class DeskMFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth's adapter with secrets encrypted, and with the desk's words."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This is not right, or it was used already."),
        "cannot_delete_authenticator": gettext_lazy(
            "This desk asks everybody for a second factor, and this is your only one. Set up another one first."
        ),
    }

    def encrypt(self, text: str) -> str:
        return ciphers.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret. One that cannot be read fits no code: the form says who can help."""
        try:
            return ciphers.decrypt(encrypted_text)
        except ciphers.Unreadable:
            logger.error("A second factor cannot be read: the secret key that encrypted it is gone.")
            raise ValidationError(
                gettext("Your second factor can no longer be read. An administrator can remove it.")
            ) from None

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not settings.KYC_MFA_REQUIRED or others(authenticator).exists()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        return gettext("Passkey %(n)d") % {"n": _of(user).filter(type=type).count() + 1}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "KYC Desk"}

    def get_totp_label(self, user: User) -> str:
        return user.get_username()


class _CountsOnce:
    """A form whose code of an authenticator app counts once, however long it would be right."""

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP:
            try:
                spend(self.user, code)
            except ValidationError:
                failed(self.user, str(Authenticator.Type.TOTP))
                raise
        return code


class CodeForm(_CountsOnce, AuthenticateForm):  # type: ignore[misc]
    """A code, to sign in."""


class CodeAgainForm(_CountsOnce, ReauthenticateForm):  # type: ignore[misc]
    """A code, from somebody who is signed in."""


class NewAppForm(forms.Form):
    """The first code of an authenticator app, which shows that it has the secret. That waits in the session, encrypted."""

    code = forms.CharField(max_length=20)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.secret = _new_secret()

    def clean_code(self) -> str:
        clear = check_rate_limit(self.user)
        code: str = self.cleaned_data["code"]
        if not validate_totp_code(self.secret, code):
            raise DeskMFAAdapter().validation_error("incorrect_code")
        spend(self.user, code)
        clear()
        return code


def spend(person: User, code: str) -> None:
    """Let a code count this once. Raises ValidationError when it has."""
    # As allauth compares it: the same digits with a dash between them are the same code.
    digits = normalize_user_code(code)
    name = salted_hmac("kyc.desk.factors", f"{person.pk}:{digits}", algorithm="sha256").hexdigest()
    if not cache.add(f"desk:code:{name}", 1, CODE_SECONDS):
        raise DeskMFAAdapter().validation_error("incorrect_code")


def forget_new_secret() -> None:
    context.request.session.pop(NEW_SECRET, None)


def others(authenticator: Authenticator) -> Any:
    """Return the person's factors but for this one."""
    return _of(authenticator.user).filter(type__in=FACTORS).exclude(pk=authenticator.pk)


def remove_all(person: User, *, by: User) -> list[str]:
    """Take every factor of somebody who has lost them, and return of which types they were."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        types = sorted(_of(person).values_list("type", flat=True))
        if types:
            _of(person).delete()
            people.record(person, "person.factors_removed", by=by, types=[*types])
    return types


def renew(authenticator: Authenticator) -> None:
    """Encrypt its secret with the present key, if another one did."""
    kept = {name: authenticator.data[name] for name in ("secret", "seed") if name in authenticator.data}
    if all(ciphers.renewed(token) == token for token in kept.values()):
        return
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        row.data |= {name: ciphers.renewed(row.data[name]) for name in kept}
        row.save(update_fields=["data"])


def record_added(instance: Authenticator, created: bool, **kwargs: Any) -> None:
    if created:
        _record(instance, "person.factor_added")


def record_removed(instance: Authenticator, **kwargs: Any) -> None:
    _record(instance, "person.factor_removed")


def record_failed(user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    failed(user, str(authenticator.type))


def failed(person: User, kind: str) -> None:
    """Put a factor that was not right on the person's chain."""
    with transaction.atomic():
        ledger.append(ledger.person_chain(person), "person.factor_failed", type=kind)


def record_used(authenticator: Authenticator, reauthenticated: bool, **kwargs: Any) -> None:
    renew(authenticator)


def record_step(user: User, method: str, reauthenticated: bool = False, **also: Any) -> None:
    """Put on the person's chain that they proved once more who they are. What was given at sign-in is in its own entry."""
    if reauthenticated:
        with transaction.atomic():
            detail = str(also.get("type", method))
            ledger.append(ledger.person_chain(user), "person.confirmed", actor=user, method=detail)


def _record(authenticator: Authenticator, action: str) -> None:
    """Put a factor's coming or going on its owner's chain, with who did it; never what it is made of."""
    person = authenticator.user
    asked = getattr(context, "request", None)
    by = asked.user if asked is not None and isinstance(asked.user, User) else None
    with transaction.atomic():
        ledger.append(
            ledger.person_chain(person),
            action,
            actor=by,
            type=str(authenticator.type),
            factor=authenticator.pk,
        )


def _of(person: Any) -> Any:
    return Authenticator.objects.filter(user=person)


def _new_secret() -> str:
    session = context.request.session
    try:
        return ciphers.decrypt(session[NEW_SECRET])
    except (KeyError, ciphers.Unreadable):
        secret: str = generate_totp_secret()
        session[NEW_SECRET] = ciphers.encrypt(secret)
        return secret
