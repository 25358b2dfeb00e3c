"""What a kept body says beyond the typed event: its data as sent, whether it names the kind of its subject, and the
personal link in it, which nobody but the subject should open."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from kyc.ralio.jsontext import Members, NotJson, Number, parse

# Any of these in an event's data says whom it is about; without them only the ids do.
_NAMING = ("entityType", "entity_type", "relatedParty", "related_party")


def data_members(body: bytes) -> list[tuple[str, Any]]:
    """Return the members of the event's data as `jsontext` values, in order; none where there is no such object."""
    try:
        document = parse(body)
    except NotJson:
        return []
    data = dict(document.pairs).get("data") if isinstance(document, Members) else None
    return data.pairs if isinstance(data, Members) else []


def names_entity(body: bytes) -> bool:
    """Return True when the event itself says what its subject is, instead of leaving it to the kind of id."""
    members = dict(data_members(body))
    return any(members.get(name) is not None for name in _NAMING)


# What stands in place of a link that opens the subject's own verification.
VEIL = '"(personal link, not shown)"'
_SESSIONS = ("kycSession", "kyc_session")
_BUSINESSES = ("businessUser", "business_user")
_LINKS = ("url", "hostedUrl", "hosted_url")
# No quote, space, bracket or control character: it goes into a mail's text and into an attribute.
_IS_WEB_ADDRESS = re.compile(r"https://[^\s\x00-\x20\x7f-\xa0\"'<>\\^`{|}]{1,2000}")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
# A member that may be a link, in bytes that no parser takes; its text may be cut off.
_MAYBE_LINK = re.compile(
    rb'("(?:url|hostedUrl|hosted_url)"\s*:\s*)"[^"\\]*(?:\\.[^"\\]*)*\\?(?:"|\Z)', re.DOTALL
)


def veiled(body: bytes) -> bytes:
    """Return the body with the session's personal link replaced wherever it stands; every other byte as it was.

    In bytes that are no JSON, whatever is named as such a link is replaced.
    """
    try:
        parse(body)
    except NotJson:
        return _MAYBE_LINK.sub(lambda member: member[1] + VEIL.encode(), body)
    links = _personal_links(data_members(body))
    if not links:
        return body
    return _STRING.sub(lambda text: VEIL.encode() if json.loads(text[0]) in links else text[0], body)


def invitation(body: bytes) -> tuple[str, datetime | None] | None:
    """Return the subject's personal link that a created session's event brought, and until when it opens; else None.

    Only a web address is a link: nothing else is sent on to anybody.
    """
    members = data_members(body)
    inside = [value.pairs for name, value in members if name in _SESSIONS and isinstance(value, Members)]
    for pairs in (*inside, members):
        said = dict(pairs)
        for name in _LINKS:
            if isinstance(link := said.get(name), str) and _IS_WEB_ADDRESS.fullmatch(link):
                return str(link), _instant(said.get("expiresAt", said.get("expires_at")))
    return None


def business_name(body: bytes) -> str:
    """Return the name of the business that a related party belongs to, as it was sent; empty where there is none."""
    members = data_members(body)
    inside = [value.pairs for name, value in members if name in _BUSINESSES and isinstance(value, Members)]
    names = [value for pairs in inside for name, value in pairs if name == "name" and isinstance(value, str)]
    return next((str(name) for name in names if not isinstance(name, Number)), "")


def _instant(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None


def _personal_links(members: list[tuple[str, Any]]) -> set[str]:
    inside = [value.pairs for name, value in members if name in _SESSIONS and isinstance(value, Members)]
    return {
        value
        for pairs in (members, *inside)
        for name, value in pairs
        if name in _LINKS and isinstance(value, str) and not isinstance(value, Number) and value
    }
