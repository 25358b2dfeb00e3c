"""People and their roles."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q

from kyc import ledger
from kyc.models import User

ADMIN = "admin"
ROLES = ("officer", "supervisor", "auditor", "admin")
# Roles whose people find something to do in the admin site.
STAFF_ROLES = frozenset({"supervisor", "auditor", "admin"})


def ensure_person(username: str, role: str, password: str | None = None) -> User:
    """Return the person of that name with that one role, made if need be; a password given is set."""
    with transaction.atomic():
        lock_admins()
        person, is_new = User.objects.get_or_create(username=username)
        if password is not None:
            person.set_password(password)
        elif is_new:
            person.set_unusable_password()
        person.is_active = True
        person.save()
        give_roles(person, [role])
        record(person, "person.added" if is_new else "person.changed", by=None)
    return person


def lock_admins() -> frozenset[int]:
    """Return who may administer now, and let nobody else change that until the transaction ends.

    Call it before any person is locked: of two admins who take away each other's access, the second one sees the first.
    """
    role = Group.objects.select_for_update(no_key=True).get(name=ADMIN)
    admins = User.objects.filter(Q(is_superuser=True) | Q(groups=role), is_active=True)
    return frozenset(admins.values_list("pk", flat=True))


def give_roles(person: User, names: Iterable[str]) -> None:
    """Let a person have these roles and no others. Where that is a change, their sign-ins end."""
    with transaction.atomic():
        lock_admins()
        person.groups.set(Group.objects.filter(name__in=list(names)))
        follow_role(person)


def follow_role(person: User) -> None:
    """Open the admin site to a person whose role has work there, and to nobody else but superusers."""
    person.__dict__.pop("granted", None)
    is_staff = person.is_superuser or bool(STAFF_ROLES & set(roles(person)))
    if person.is_staff != is_staff:
        person.is_staff = is_staff
        person.save(update_fields=["is_staff"])


def roles(person: User) -> list[str]:
    return sorted(person.groups.values_list("name", flat=True))


def record(person: User, action: str, *, by: User | None, **also: ledger.Detail) -> None:
    """Append an act on a person to the system's chain, with the access that they have after it."""
    ledger.append(
        ledger.SYSTEM,
        action,
        actor=by,
        person=person.pk,
        is_active=person.is_active,
        is_superuser=person.is_superuser,
        roles=list(roles(person)),
        **also,
    )
