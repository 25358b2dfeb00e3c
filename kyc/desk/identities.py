"""Whom the identity provider knows: its own identifier for a person (`sub`) beside their account.

An identifier means somebody at one issuer only, so that the issuer is kept with it: after a change of provider the same
identifier is nobody's here until an admin names it anew.
"""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from kyc import ledger, people, sittings
from kyc.models import User
from kyc.review import digest


class Taken(Exception):
    """The identifier is another account's."""


def kept() -> dict[str, str]:
    """Return what is kept beside an identifier."""
    return {"issuer": settings.OIDC_ISSUER}


def of(person: User) -> str:
    """Return a person's identifier at the present provider, or nothing."""
    row = _rows().filter(user=person).first()
    return row.uid if row and _is_present(row) else ""


def holder(uid: str) -> User | None:
    """Return whose the identifier is at the present provider."""
    row = _rows().filter(uid=uid).select_related("user").first()
    return row.user if row and _is_present(row) else None


def is_of_another_issuer(uid: str) -> bool:
    """Return True where the identifier was kept of another issuer, and put the attempt on record."""
    row = _rows().filter(uid=uid).select_related("user").first()
    if row is None or _is_present(row):
        return False
    with transaction.atomic():
        chain = ledger.person_chain(row.user)
        ledger.append(chain, "person.sign_in_failed", because="another_issuer")
    return True


def name(person: User, uid: str, *, by: User) -> None:
    """Let a person sign in through the provider as this identifier, or no longer where it is empty.

    Their sign-ins end, as with every change of how somebody comes in. Raises Taken.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        if of(person) == uid:
            return
        if uid and holder(uid):
            raise Taken
        # One of another issuer opens nothing any more, whosever it was.
        _rows().filter(Q(user=person) | Q(uid=uid)).delete()
        if uid:
            SocialAccount.objects.create(
                user=person, provider=settings.OIDC_PROVIDER_ID, uid=uid, extra_data=kept()
            )
        sittings.end_sessions(person)
        if uid:
            people.record(person, "person.identity_named", by=by, identity=digest(uid))
        else:
            people.record(person, "person.identity_removed", by=by)


def leave_password(person: User) -> None:
    """Take the password of somebody who has come through the provider, and end what it opened.

    From then on they come from there alone: whom the provider closes must not come in by a password all the same.
    """
    if person.has_usable_password():
        person.set_unusable_password()
        person.save(update_fields=["password"])
        sittings.end_sessions(person)
        people.record(person, "person.password_removed", by=None, because="provider")


def _is_present(row: SocialAccount) -> bool:
    # Rows of before the issuer was kept name none: they are the present one's.
    return bool(row.extra_data.get("issuer", settings.OIDC_ISSUER) == settings.OIDC_ISSUER)


def _rows() -> Any:
    return SocialAccount.objects.filter(provider=settings.OIDC_PROVIDER_ID)
