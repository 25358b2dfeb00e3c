"""People who sign in. Their role is one of four groups: officer, supervisor, auditor, admin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from kyc.choices import Language

# What is read of a person's groups: the role, and one of the permissions that come with it.
GRANTED = ("name", "permissions__content_type__app_label", "permissions__codename")


@dataclass(frozen=True, slots=True)
class Granted:
    """What a person's roles are called, and the permissions that come with them: "app_label.codename"."""

    roles: frozenset[str]
    permissions: frozenset[str]

    @classmethod
    def read(cls, rows: Iterable[tuple[str, str | None, str | None]]) -> Self:
        """Return what rows of GRANTED say."""
        roles, permissions = set(), set()
        for role, app_label, codename in rows:
            roles.add(role)
            if codename is not None:
                permissions.add(f"{app_label}.{codename}")
        return cls(frozenset(roles), frozenset(permissions))


class User(AbstractUser):
    """A person at the desk; never a subject of verification. Without a language of theirs the browser's is spoken."""

    language = models.TextField(choices=Language, blank=True, default="")

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(language="") | Q(language__in=Language.values), name="kyc_user_language"
            )
        ]

    @cached_property
    def granted(self) -> Granted:
        """Return the roles and what they permit, in one query for all that a page asks of them."""
        return Granted.read(self.groups.order_by().values_list(*GRANTED))

    @property
    def role(self) -> str:
        """Return the role to show beside the name, the widest one first; empty without one."""
        for role in ("admin", "supervisor", "officer", "auditor"):
            if role in self.granted.roles:
                return role
        return "admin" if self.is_superuser else ""
