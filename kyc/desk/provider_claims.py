"""What the identity provider says of a person, read once and kept nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from allauth.socialaccount.providers.base import ProviderException
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from kyc.models import User

# What somebody knows, or where they are: by RFC 8176, none of it a second factor.
KNOWN = frozenset({"pwd", "kba", "pin", "rba", "geo", "user"})
NOT_IN_A_USERNAME = re.compile(r"[^\w.@+-]+")


@dataclass(frozen=True, slots=True)
class Claims:
    """A person as the provider knows them. `roles` are those that their groups stand for here.

    `by_password_alone`: the provider says how it knew them, and names nothing that would be a second factor.
    """

    username: str
    first_name: str
    last_name: str
    email: str
    roles: frozenset[str]
    asked_at: float | None
    by_password_alone: bool

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Read the id token, and what the provider's user information adds to it, which must be of the same person."""
        token = data.get("id_token") or {}
        more = data.get("userinfo") or {}
        if token and more and token["sub"] != more.get("sub"):
            raise ProviderException("The id token and the user information are of two people.")
        if token and token.get("iss", "").rstrip("/") != settings.OIDC_ISSUER:
            raise ProviderException("The id token is of another issuer.")
        said = {**token, **more}
        asked_at = token.get("auth_time")
        return cls(
            username=_username(said),
            first_name=_text(said, "given_name", 150),
            last_name=_text(said, "family_name", 150),
            email=_email(said),
            roles=_roles(said.get(settings.OIDC_GROUPS_CLAIM)),
            asked_at=asked_at
            if isinstance(asked_at, int | float) and not isinstance(asked_at, bool)
            else None,
            by_password_alone=_by_password_alone(token.get("amr")),
        )


def _text(said: Mapping[str, Any], name: str, most: int) -> str:
    value = said.get(name)
    return value.replace("\0", "")[:most] if isinstance(value, str) else ""


def _email(said: Mapping[str, Any]) -> str:
    """Return the address to write to: one that the provider has not verified may be somebody else's."""
    email = _text(said, "email", 254)
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return "" if said.get("email_verified") is False else email


def _username(said: Mapping[str, Any]) -> str:
    """Return a name to be known by here; whether it is still free is not said."""
    for claim in ("preferred_username", "email", "sub"):
        name = NOT_IN_A_USERNAME.sub("-", _text(said, claim, 140)).strip("-")
        if name:
            return name
    raise ProviderException("The provider names nobody.")


def _roles(groups: Any) -> frozenset[str]:
    """Return the roles that groups stand for; one group alone may come as a text."""
    if isinstance(groups, str):
        groups = [groups]
    if not isinstance(groups, list):
        return frozenset()
    return frozenset(
        settings.OIDC_ROLES[name] for name in groups if isinstance(name, str) and name in settings.OIDC_ROLES
    )


def _by_password_alone(methods: Any) -> bool:
    """Judge the methods that the provider names; one that names none has said nothing."""
    named = {str(each) for each in methods} if isinstance(methods, list) else set()
    return bool(named) and named <= KNOWN


def free_username(wished: str) -> str:
    """Return the wished name, or where somebody has it that name with the first number that is free."""
    name, number = wished, 1
    while User.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{wished}-{number}"
    return name
