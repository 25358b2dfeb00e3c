"""People who sign in. Their role is one of four groups: officer, supervisor, auditor, admin."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.utils.functional import cached_property


class User(AbstractUser):
    """A person at the desk; never a subject of verification."""

    @cached_property
    def role(self) -> str:
        """Return the role to show beside the name, the widest one first; empty without one."""
        names = set(self.groups.values_list("name", flat=True))
        for role in ("admin", "supervisor", "officer", "auditor"):
            if role in names:
                return role
        return "admin" if self.is_superuser else ""
