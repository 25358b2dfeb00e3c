"""Every address of the program, the admin's too, each of a row that there is: what is mounted later is attacked as well."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from kyc import models, people, review, sealing
from kyc.models import Session, User
from notifications.models import Notification
from tests import factories, wire
from tests.kyc import scene
from tests.kyc.review.acting import seen

# Which row an address is about, by how its name begins. What is named nowhere is about a session.
ABOUT: dict[str, type[Model]] = {
    "account_sessions": UserSession,
    "contact": models.Contact,
    "decision": models.Decision,
    "delivery": models.Delivery,
    "ledger": models.LedgerEntry,
    "mfa": Authenticator,
    "notification": Notification,
    "privacy-erasure": models.Erasure,
    "privacy-hold": models.LegalHold,
    "queue-view": models.SavedView,
    "refused": models.RefusedRequest,
}
# Django names them for its own use: a link to any object's own page, and static text for scripts.
MACHINES = {"jsi18n", "view_on_site", "autocomplete"}


@dataclass(frozen=True, slots=True)
class Address:
    """One address. `name` is the URL's, with its namespace; an address without one is named for its path."""

    name: str
    path: str

    @property
    def is_admin(self) -> bool:
        return self.name.startswith("admin:")


def everything() -> list[Address]:
    """Return each address that people reach, of rows that there are: build them first."""
    found = {address.path: address for address in _addresses(get_resolver())}
    return [*found.values()]


def of_all_roles(username: str = "everyone") -> User:
    """Return a person whom no door is closed to for want of a role."""
    person: User = factories.UserFactory(username=username, role="admin")
    person.groups.set(Group.objects.all())
    people.follow_role(person)
    return person


type Say = Callable[[str], str]


def plainly(where: str) -> str:
    return f"Some words for the {where}."


def furnish(by: User, say: Say = plainly) -> Session:
    """Make one row of everything, and return the session that they are about. The rows are a person's own.

    `say` gives each text that somebody could have sent or typed, by the name of where it stands.
    """
    session = _arrived(say)
    delivery, subject = session.deliveries.get(), {"entity_type": "user", "subject_id": session.user_id}
    maker = factories.UserFactory(
        role="officer",
        username=say("username")[:150],
        first_name=say("first name"),
        last_name=say("last name"),
    )
    factories.SavedViewFactory(owner=by, name=say("view")[:40], query=urlencode({"reason": say("filter")}))
    factories.NoteFactory(session=session, by=maker, text=say("note"))
    with override_settings(KYC_FOUR_EYES="all"):
        review.reject(
            session.pk, by=maker, seen=seen(session), codes=[say("code")], rationale=say("rationale")
        )
    factories.DecisionFactory(
        session=session, basis=delivery, maker=by, outcome="reject", codes=[say("code")], rationale=say("verdict"),
        status="returned", needs_checker=True, checker=maker, confirmed_at=None, answer=say("answer"),
    )  # fmt: skip
    factories.CorrectionFactory(session=session, field="due_at", reason=say("correction"))
    factories.ContactFactory(**subject, name=say("contact"), language=say("language"))
    factories.EnquiryFactory(delivery=delivery, error=say("enquiry"))
    factories.InboxAlarmFactory(
        detail={"says": say("alarm"), "advice": say("advice"), "value": say("figure")}
    )
    factories.AttemptFactory(
        notification__session=session,
        notification__last_error=say("last error"),
        notification__message_id=say("message id"),
        answer=say("attempt"),
    )
    factories.ErasureFactory(**subject, maker=maker, reason=say("erasure"))
    factories.ErasureFactory(
        status="refused", maker=by, checker=maker, checked_at=timezone.now(), reason=say("asked"), answer=say("refusal")
    )  # fmt: skip
    kept = factories.ContactFactory(name=say("another contact")).subject_id
    factories.LegalHoldFactory(subject_id=kept, placed_by=maker, reason=say("hold"))
    models.ReasonCode.objects.filter(code=say("code")).update(
        label=say("label"), category=say("label category"), guidance=say("guidance"), subject_text=say("subject's words"),
        subject_text_es=say("subject's words in Spanish"),
    )  # fmt: skip
    Authenticator.objects.create(
        user=maker, type=Authenticator.Type.WEBAUTHN, data={"name": say("passkey"), "credential": {}}
    )
    sealing.seal()
    return session


def _arrived(say: Say) -> Session:
    """Have Ralio send what is applied, recorded, quarantined and refused, about one subject."""
    reason = {
        "type": say("reason"),
        "code": say("code"),
        "message": say("message"),
        "category": say("category"),
    }
    data = {say("key"): [say("value"), {say("inner key"): say("inner value")}], "provider": say("provider")}
    check = {"type": say("check"), "state": say("state"), "data": data, "reasons": [reason]}
    headers = {"User-Agent": say("agent"), "X-Request-ID": say("request")}
    event = wire.payload(
        "kyc_session_manual_review", checks=[check, *scene.CHECKS], **{say("member"): say("extra")}
    )
    wire.post(event, **headers)
    session = Session.objects.get(pk=event["data"]["sessionId"])
    wire.post({**event, "data": {**event["data"], "note": say("conflict")}})
    wire.post(_encoded(say("not JSON")))
    wire.post({**wire.payload("kyc_session_failed"), "timestamp": say("time"), "id": say("id")})
    record = wire.payload("kyc_state_updated", user_id=session.user_id, status=say("record"))
    wire.post({**record, "event": "kyc_" + say("event")})
    wire.post(wire.payload("related_party.kyc_session_created", at=session.last_event_at))
    wire.post(
        wire.payload("kyc_session_failed", user_id=session.user_id, checks=[check], provider=say("provider"))
    )
    wire.post(_encoded(say("refused")), secret="another", **headers)
    return session


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _addresses(resolver: URLResolver, names: str = "", above: str = "/") -> Iterator[Address]:
    for each in resolver.url_patterns:
        path = f"{above}{str(each.pattern).removeprefix('^').removesuffix('$')}"
        if isinstance(each, URLResolver):
            yield from _addresses(each, f"{each.namespace}:" if each.namespace else names, path)
        elif each.name not in MACHINES | {"webhook"} and not (each.name is None and names):
            yield Address(f"{names}{each.name or ''}", _filled(each, path))


def _filled(pattern: URLPattern, path: str) -> str:
    """Put something that there is in each place of a path: <uuid:pk>, (?P<app_label>auth|kyc)."""
    for written, kind, name in re.findall(r"(\(\?P<\w+>[^)]*\)|<(?:(\w+):)?(\w+)>)", path):
        path = path.replace(written, str(_value(pattern, path, kind, name)), 1)
    return path


def _value(pattern: URLPattern, path: str, kind: str, name: str) -> Any:
    by_name: dict[str, Callable[[], Any]] = {
        "": lambda: "kyc",
        "content_type_id": lambda: ContentType.objects.get_for_model(Session).pk,
        "decision_id": lambda: _key_of(models.Decision),
        "delivery_id": lambda: _key_of(models.Delivery),
        "number": lambda: _key_of(models.Seal),
        "entity_type": lambda: "user",
        "provider_id": lambda: "company",
        "subject_id": lambda: Session.objects.get(pk=_key_of(Session)).user_id,
        "session_id": lambda: _key_of(Session),
        "chain": lambda: f"session:{_key_of(Session)}",
    }
    if str(pattern.name).startswith("privacy-subject") and kind == "uuid":
        name = "subject_id"
    if name in by_name:
        return by_name[name]()
    if path.startswith("/admin/"):
        return quote(_key_of(apps.get_model(*path.split("/")[2:4])))
    begun = max((start for start in ABOUT if str(pattern.name).startswith(start)), key=len, default="")
    key = _key_of(ABOUT.get(begun, Session))
    # Where the address takes a key of another kind, any will do.
    wanted = {"uuid": UUID, "int": int}.get(kind, object)
    return key if isinstance(key, wanted) else _key_of(Session) if wanted is UUID else 1


def _key_of(model: type[Model]) -> Any:
    """Return the key of the row that `furnish` made first; of what it makes none of, such as there could be."""
    if model is Session:
        return models.Decision.objects.order_by("pk").values_list("session_id", flat=True)[0]
    return model._base_manager.order_by("pk").values_list("pk", flat=True).first() or 1
