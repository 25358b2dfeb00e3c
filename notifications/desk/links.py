"""Where a message's reader can go on in the admin, as far as their role lets them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode

from kyc.models import Contact, User
from notifications.choices import Status
from notifications.models import Notification


def contact_forms(messages: Iterable[Notification], person: User) -> dict[UUID, str]:
    """Return, by message, where the person can enter the address that it waits for. At most one query.

    Those that wait for none are left out, and all of them where entering it is not theirs to do.
    """
    waiting = {each.pk: each.recipient for each in messages if each.status == Status.WAITING}
    may_add, may_change = person.has_perm("kyc.add_contact"), person.has_perm("kyc.change_contact")
    if not waiting or not person.is_staff or not (may_add or may_change):
        return {}
    known = _contacts(set(waiting.values()))
    forms = {pk: _form(recipient, known.get(recipient)) for pk, recipient in waiting.items()}
    may = {pk: may_change if recipient in known else may_add for pk, recipient in waiting.items()}
    return {pk: form for pk, form in forms.items() if may[pk]}


def preview(message: Notification, person: User) -> str:
    """Return where the person sees what exactly is sent, or an empty text."""
    if not person.is_staff:
        return ""
    return reverse("admin:notifications_notification_preview", args=[message.pk])


def _contacts(recipients: Iterable[str]) -> dict[str, int]:
    """Return the contacts that there are of these subjects."""
    condition = Q(pk__in=[])
    for recipient in recipients:
        entity_type, _, subject_id = recipient.partition(":")
        condition |= Q(entity_type=entity_type, subject_id=subject_id)
    found = Contact.objects.filter(condition).values_list("entity_type", "subject_id", "pk")
    return {f"{entity_type}:{subject_id}": pk for entity_type, subject_id, pk in found}


def _form(recipient: str, contact: int | None) -> str:
    if contact is not None:
        return reverse("admin:kyc_contact_change", args=[contact])
    entity_type, _, subject_id = recipient.partition(":")
    asked = urlencode({"entity_type": entity_type, "subject_id": subject_id})
    return f"{reverse('admin:kyc_contact_add')}?{asked}"
