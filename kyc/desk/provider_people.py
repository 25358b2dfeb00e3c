"""Who somebody is at the desk whom the identity provider knows: by its own id for them, never by a name or address.

The roles are those that the groups there stand for, read at each sign-in; without one nobody comes in.
"""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal.flows.login import record_authentication
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from kyc import ledger, people
from kyc.desk import factors, identities, provider
from kyc.desk.provider_claims import Claims, free_username
from kyc.models import User

# What of a person is the provider's to say.
SAID = ("first_name", "last_name", "email")


class ProviderPeopleAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """allauth's adapter, with accounts that the provider's groups open and close."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Return False: `pre_social_login` makes the account, before allauth would ask for one."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        # It would wait in the sign-in's session for the second step.
        sociallogin.token = None
        if sociallogin.state.get("process") == AuthProcess.REDIRECT:
            _confirm(request, sociallogin)
        else:
            _admit(request, sociallogin)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider_: Any = None,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        cause = "unreachable" if isinstance(exception, OSError) else error or AuthError.UNKNOWN
        raise provider.refuse(request, cause)


def _confirm(request: HttpRequest, login: SocialLogin) -> None:
    """Note that the provider asked again who is there, where it is the person that is signed in."""
    if not request.user.is_authenticated or login.user != request.user:
        raise provider.refuse(request, "another")
    if not provider.was_asked_just_now(login.claims):
        raise provider.refuse(request, "not_asked")
    if _is_too_little(login.claims):
        factors.failed(login.user, "socialaccount")
        raise provider.refuse(request, "one_factor")
    record_authentication(request, login)


def _admit(request: HttpRequest, login: SocialLogin) -> None:
    """Let somebody in with the roles that their groups stand for."""
    claims: Claims = login.claims
    try:
        with transaction.atomic():
            cause = _refusal(login, claims)
    except IntegrityError:
        # The same person came through two browsers at once.
        raise provider.refuse(request, AuthError.UNKNOWN) from None
    if cause:
        raise provider.refuse(request, cause)


def _refusal(login: SocialLogin, claims: Claims) -> str:
    """Do as the provider says of the person. Return why they are not let in, if they are not."""
    person: User | None = User.objects.filter(pk=login.user.pk).first() if login.user else None
    if _is_too_little(claims):
        chain = ledger.person_chain(person) if person else ledger.SYSTEM
        ledger.append(chain, "person.sign_in_failed", because="one_factor")
        return "one_factor"
    if person is None and not claims.roles:
        ledger.append(ledger.SYSTEM, "person.sign_in_failed", because="no_role")
        return "no_role"
    if person is None:
        login.user = _make(login, claims)
        return ""
    _follow(person, claims)
    login.user = person
    cause = "" if person.is_active and claims.roles else "no_role" if person.is_active else "closed"
    if cause:
        ledger.append(ledger.person_chain(person), "person.sign_in_failed", because=cause)
    else:
        identities.leave_password(person)
    return cause


def _is_too_little(claims: Claims) -> bool:
    """Return True where a sign-in there is to count as a second factor here, and the provider says that it was none."""
    return bool(settings.OIDC_TRUSTS_MFA) and claims.by_password_alone


def _make(login: SocialLogin, claims: Claims) -> User:
    person = User(username=free_username(claims.username), **{name: getattr(claims, name) for name in SAID})
    person.set_unusable_password()
    person.save()
    login.account.user = person
    login.account.save()
    people.give_roles(person, claims.roles)
    people.record(person, "person.added", by=None, because="provider")
    return person


def _follow(person: User, claims: Claims) -> None:
    """Take over what the provider says now, and put it on record where that is something else."""
    changed = [
        name for name in SAID if getattr(claims, name) and getattr(person, name) != getattr(claims, name)
    ]
    has_others = claims.roles != frozenset(people.roles(person))
    if has_others:
        # Before the person is locked: so do those who change people here.
        people.give_roles(person, claims.roles)
    for name in changed:
        setattr(person, name, getattr(claims, name))
    if changed:
        person.save(update_fields=changed)
    if has_others:
        changed.append("groups")
    if changed:
        people.record(person, "person.changed", by=None, because="provider", fields=[*sorted(changed)])
