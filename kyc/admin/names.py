"""What the admin calls models, their fields and what roles may, in the reader's language.

Django makes the English names from the code's own. Given in the models themselves, each would be part of the database's
history: migrations are made of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission
from django.db.models import Model
from django.utils.translation import gettext, gettext_noop, pgettext_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MODELS = {
    "attempt": (_("attempt"), _("attempts")),
    "check": (_("check"), _("checks")),
    "contact": (_("contact"), _("contacts")),
    "correction": (_("correction"), _("corrections")),
    "decision": (_("decision"), _("decisions")),
    "delivery": (_("delivery"), _("deliveries")),
    "enquiry": (_("enquiry"), _("enquiries")),
    "erasure": (_("erasure"), _("erasures")),
    "event name": (_("event name"), _("event names")),
    "inbox alarm": (_("inbox alarm"), _("inbox alarms")),
    "ledger entry": (_("ledger entry"), _("ledger entries")),
    "ledger head": (_("ledger head"), _("ledger heads")),
    "legal hold": (_("legal hold"), _("legal holds")),
    "note": (_("note"), _("notes")),
    "notification": (_("notification"), _("notifications")),
    "reason code": (_("reason code"), _("reason codes")),
    "reason": (_("reason"), _("reasons")),
    "refused request": (_("refused request"), _("refused requests")),
    "seal": (_("seal"), _("seals")),
    "sealed head": (_("sealed head"), _("sealed heads")),
    "session": (_("session"), _("sessions")),
}
FIELDS = {
    "action": pgettext_lazy("field", "action"),
    "actor": pgettext_lazy("field", "actor"),
    "address": pgettext_lazy("field", "address"),
    "addressee": pgettext_lazy("field", "addressee"),
    "alarm": pgettext_lazy("field", "alarm"),
    "answer": pgettext_lazy("field", "answer"),
    "asked at": pgettext_lazy("field", "asked at"),
    "asked by": pgettext_lazy("field", "asked by"),
    "assignee": pgettext_lazy("field", "assignee"),
    "at": pgettext_lazy("field", "at"),
    "basis": pgettext_lazy("field", "basis"),
    "body": pgettext_lazy("field", "body"),
    "breached for": pgettext_lazy("field", "breached for"),
    "by": pgettext_lazy("field", "by"),
    "category": pgettext_lazy("field", "category"),
    "cause": pgettext_lazy("field", "cause"),
    "chain": pgettext_lazy("field", "chain"),
    "channel": pgettext_lazy("field", "channel"),
    "check position": pgettext_lazy("field", "check position"),
    "checked at": pgettext_lazy("field", "checked at"),
    "checker": pgettext_lazy("field", "checker"),
    "checks erased at": pgettext_lazy("field", "checks erased at"),
    "claimed until": pgettext_lazy("field", "claimed until"),
    "closed at": pgettext_lazy("field", "closed at"),
    "code": pgettext_lazy("field", "code"),
    "codes": pgettext_lazy("field", "codes"),
    "confirmed at": pgettext_lazy("field", "confirmed at"),
    "created at": pgettext_lazy("field", "created at"),
    "data": pgettext_lazy("field", "data"),
    "day": pgettext_lazy("field", "day"),
    "decided by": pgettext_lazy("field", "decided by"),
    "delivery": pgettext_lazy("field", "delivery"),
    "detail": pgettext_lazy("field", "detail"),
    "digest": pgettext_lazy("field", "digest"),
    "due at": pgettext_lazy("field", "due at"),
    "email": pgettext_lazy("field", "email"),
    "entity type": pgettext_lazy("field", "entity type"),
    "erased at": pgettext_lazy("field", "erased at"),
    "error": pgettext_lazy("field", "error"),
    "escalated at": pgettext_lazy("field", "escalated at"),
    "event at": pgettext_lazy("field", "event at"),
    "event id": pgettext_lazy("field", "event ID"),
    "event name": pgettext_lazy("field", "event name"),
    "evidence": pgettext_lazy("field", "evidence"),
    "faults": pgettext_lazy("field", "faults"),
    "field": pgettext_lazy("field", "field"),
    "first event at": pgettext_lazy("field", "first event at"),
    "first seen at": pgettext_lazy("field", "first seen at"),
    "guidance": pgettext_lazy("field", "guidance"),
    "hash": pgettext_lazy("field", "hash"),
    "headers": pgettext_lazy("field", "headers"),
    "heads digest": pgettext_lazy("field", "heads digest"),
    "id": pgettext_lazy("field", "ID"),
    "is disputed": pgettext_lazy("field", "is disputed"),
    "is plausible": pgettext_lazy("field", "is plausible"),
    "is second review": pgettext_lazy("field", "is second review"),
    "is suspect": pgettext_lazy("field", "is suspect"),
    "kind": pgettext_lazy("field", "kind"),
    "kyc check": pgettext_lazy("field", "kyc check"),
    "label": pgettext_lazy("field", "label"),
    "language": pgettext_lazy("field", "language"),
    "last error": pgettext_lazy("field", "last error"),
    "last event at": pgettext_lazy("field", "last event at"),
    "last repeat at": pgettext_lazy("field", "last repeat at"),
    "last replay at": pgettext_lazy("field", "last replay at"),
    "last replay by": pgettext_lazy("field", "last replay by"),
    "lease token": pgettext_lazy("field", "lease token"),
    "leased until": pgettext_lazy("field", "leased until"),
    "lifted at": pgettext_lazy("field", "lifted at"),
    "lifted because": pgettext_lazy("field", "lifted because"),
    "lifted by": pgettext_lazy("field", "lifted by"),
    "maker": pgettext_lazy("field", "maker"),
    "meaning": pgettext_lazy("field", "meaning"),
    "message id": pgettext_lazy("field", "message ID"),
    "message": pgettext_lazy("field", "message"),
    "n attempts": pgettext_lazy("field", "attempts"),
    "n bytes": pgettext_lazy("field", "bytes"),
    "n chains": pgettext_lazy("field", "chains"),
    "n checks": pgettext_lazy("field", "checks"),
    "n entries": pgettext_lazy("field", "entries"),
    "n kept bytes": pgettext_lazy("field", "bytes kept"),
    "n reasons": pgettext_lazy("field", "reasons"),
    "n refused": pgettext_lazy("field", "refused"),
    "n repeats": pgettext_lazy("field", "repeats"),
    "n replays": pgettext_lazy("field", "replays"),
    "n tries": pgettext_lazy("field", "tries"),
    "name": pgettext_lazy("field", "name"),
    "needs checker": pgettext_lazy("field", "needs checker"),
    "new": pgettext_lazy("field", "new"),
    "next attempt at": pgettext_lazy("field", "next attempt at"),
    "next try at": pgettext_lazy("field", "next try at"),
    "not before": pgettext_lazy("field", "not before"),
    "notification": pgettext_lazy("field", "notification"),
    "number": pgettext_lazy("field", "number"),
    "occasion": pgettext_lazy("field", "occasion"),
    "old": pgettext_lazy("field", "old"),
    "opened at": pgettext_lazy("field", "opened at"),
    "outcome": pgettext_lazy("field", "outcome"),
    "placed at": pgettext_lazy("field", "placed at"),
    "placed by": pgettext_lazy("field", "placed by"),
    "position": pgettext_lazy("field", "position"),
    "previous hash": pgettext_lazy("field", "previous hash"),
    "proposed at": pgettext_lazy("field", "proposed at"),
    "proposed by": pgettext_lazy("field", "proposed by"),
    "provider state": pgettext_lazy("field", "provider state"),
    "provider": pgettext_lazy("field", "provider"),
    "queued at": pgettext_lazy("field", "queued at"),
    "rationale": pgettext_lazy("field", "rationale"),
    "reason position": pgettext_lazy("field", "reason position"),
    "reason": pgettext_lazy("field", "reason"),
    "received at": pgettext_lazy("field", "received at"),
    "recipient": pgettext_lazy("field", "recipient"),
    "related party id": pgettext_lazy("field", "related party ID"),
    "released at": pgettext_lazy("field", "released at"),
    "released by": pgettext_lazy("field", "released by"),
    "request id": pgettext_lazy("field", "request ID"),
    "requested at": pgettext_lazy("field", "requested at"),
    "round": pgettext_lazy("field", "round"),
    "seal": pgettext_lazy("field", "seal"),
    "sent at": pgettext_lazy("field", "sent at"),
    "seq": pgettext_lazy("field", "seq"),
    "session state": pgettext_lazy("field", "session state"),
    "session": pgettext_lazy("field", "session"),
    "settles": pgettext_lazy("field", "settles"),
    "sha256": pgettext_lazy("field", "sha256"),
    "signed with": pgettext_lazy("field", "signed with"),
    "snoozed until": pgettext_lazy("field", "snoozed until"),
    "source": pgettext_lazy("field", "source"),
    "state sent": pgettext_lazy("field", "state sent"),
    "state since": pgettext_lazy("field", "state since"),
    "state": pgettext_lazy("field", "state"),
    "status": pgettext_lazy("field", "status"),
    "subject id": pgettext_lazy("field", "subject ID"),
    "suspicion changed at": pgettext_lazy("field", "suspicion changed at"),
    "target": pgettext_lazy("field", "target"),
    "text": pgettext_lazy("field", "text"),
    "type": pgettext_lazy("field", "type"),
    "undone at": pgettext_lazy("field", "undone at"),
    "undone by": pgettext_lazy("field", "undone by"),
    "updated at": pgettext_lazy("field", "updated at"),
    "user id": pgettext_lazy("field", "user ID"),
    "version": pgettext_lazy("field", "version"),
    "wait until": pgettext_lazy("field", "wait until"),
    "warned for": pgettext_lazy("field", "warned for"),
    "withheld because": pgettext_lazy("field", "withheld because"),
}
PERMISSIONS = {
    "check_session": _("Can confirm the decisions of others"),
    "confirm_erasure": _("Can confirm the erasures that others request"),
    "correct_session": _("Can correct sessions"),
    "decide_session": _("Can claim and decide sessions"),
    "export_ledgerentry": _("Can export the ledger"),
    "export_session": _("Can export sessions"),
    "export_subject": _("Can export a subject's data"),
    "print_session": _("Can take a session's whole record"),
    "release_notification": _("Can release and retry notifications"),
    "replay_delivery": _("Can replay deliveries"),
    "supervise_session": _("Can decide what is escalated or disputed, and reassign sessions"),
    "unmask_personal_data": _("Can unmask personal data with a reason"),
    "view_personal_data": _("Can see personal data unmasked"),
}
# What Django's own pages say and Django has in no Spanish yet, or in a poor one.
DJANGOS = (
    gettext_noop("Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only."),
    gettext_noop("staff status"),
    gettext_noop("View %s"),
    gettext_noop("Run"),
    gettext_noop("- Select an option -"),
    gettext_noop("Pagination %(name)s entries"),
    gettext_noop(
        "Are you sure you want to delete the %(object_name)s “%(escaped_object)s”? "
        "All of the following related items will be deleted:"
    ),
    gettext_noop(
        "Deleting the %(object_name)s “%(escaped_object)s” would require deleting the "
        "following protected related objects:"
    ),
)


def translate(model: type[Model]) -> None:
    """Give a model and its fields their names in the language that is spoken when they are shown."""
    options: Any = model._meta
    options.verbose_name, options.verbose_name_plural = MODELS.get(
        options.verbose_name, (options.verbose_name, options.verbose_name_plural)
    )
    for field in options.fields:
        field.verbose_name = FIELDS.get(field.verbose_name, field.verbose_name)


def of_field(name: str) -> StrOrPromise:
    """Return the name of a field of any model."""
    words = name.replace("_", " ")
    return FIELDS.get(words, words)


def of_permission(permission: Permission) -> str:
    """Return what a permission lets people do. Those that Django makes for each model are named for it."""
    act, _sep, model_name = permission.codename.partition("_")
    model = permission.content_type.model_class()
    if permission.codename in PERMISSIONS or model is None or model._meta.model_name != model_name:
        return str(PERMISSIONS.get(permission.codename, permission.name))
    words = {
        "add": gettext("Can add %(rows)s"),
        "change": gettext("Can change %(rows)s"),
        "delete": gettext("Can delete %(rows)s"),
        "view": gettext("Can view %(rows)s"),
    }
    return words[act] % {"rows": model._meta.verbose_name} if act in words else permission.name
