"""Sign-ins, sign-outs, failed sign-ins and changed passwords go to the ledger. What was typed does not."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import authentication_step_completed, password_changed
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_used
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest

from kyc import ledger
from kyc.desk import factors
from kyc.models import User


def connect() -> None:
    user_logged_in.connect(signed_in, dispatch_uid="kyc.signed_in")
    user_logged_out.connect(signed_out, dispatch_uid="kyc.signed_out")
    user_login_failed.connect(sign_in_failed, dispatch_uid="kyc.sign_in_failed")
    password_changed.connect(changed_password, dispatch_uid="kyc.changed_password")
    authentication_step_completed.connect(factors.record_step, dispatch_uid="kyc.confirmed")
    authentication_failed.connect(factors.record_failed, dispatch_uid="kyc.factor_failed")
    authenticator_used.connect(factors.record_used, dispatch_uid="kyc.factor_used")
    post_save.connect(factors.record_added, sender=Authenticator, dispatch_uid="kyc.factor_added")
    post_delete.connect(factors.record_removed, sender=Authenticator, dispatch_uid="kyc.factor_removed")


def signed_in(user: User, request: HttpRequest, **kwargs: Any) -> None:
    """Record the sign-in with what it was proved by: password, totp, webauthn, recovery_codes, socialaccount."""
    records = get_authentication_records(request, user) if request is not None else []
    methods = [str(each.get("type") or each["method"]) for each in records]
    with transaction.atomic():
        ledger.append(ledger.person_chain(user), "person.signed_in", actor=user, methods=[*methods])


def signed_out(user: User | None, **kwargs: Any) -> None:
    if user:
        _record(user, "person.signed_out")


def changed_password(user: User, **kwargs: Any) -> None:
    _record(user, "person.changed_password")


def sign_in_failed(credentials: dict[str, Any], **kwargs: Any) -> None:
    """Record the failure in the person's chain, or the system's when no such person exists."""
    person = User.objects.filter(username__iexact=credentials.get("username") or "").first()
    chain = ledger.person_chain(person) if person else ledger.SYSTEM
    with transaction.atomic():
        ledger.append(chain, "person.sign_in_failed")


def _record(user: User, action: str) -> None:
    with transaction.atomic():
        ledger.append(ledger.person_chain(user), action, actor=user)
