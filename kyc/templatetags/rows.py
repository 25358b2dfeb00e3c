"""What stands in a list fifty times, drawn in Python: a template takes twenty times as long for it.

Each piece is drawn here only; templates of single pages draw it through `desk/components/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, pgettext

from kyc.choices import CheckState, EntityType, SessionState
from kyc.desk.rows import CODES_SHOWN
from kyc.figures import capped, span, span_patterns
from kyc.languages import one_language, per_language, spoken
from kyc.models import Session
from kyc.templatetags.desk import brief, check_name, initials, moment, sla, waited

if TYPE_CHECKING:
    from datetime import datetime

    from kyc.desk.filter_menus import Chip
    from kyc.desk.rows import Row, ShownCheck
    from kyc.desk.tabs import Tab
    from kyc.desk.team import Member

register = template.Library()

SMALL = " icon--s"
PIPS = {CheckState.REFUSED: ("no", "x"), CheckState.VALIDATED: ("ok", "check")}
STATES = {
    SessionState.REVIEW: "review",
    SessionState.REJECTED: "rejected",
    SessionState.VERIFIED: "verified",
    SessionState.EXPIRED: "expired",
}
RING = '<svg class="sla__ring" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6"/><circle class="sla__arc" cx="8" cy="8" r="6" pathLength="100" stroke-dasharray="{} 100"/></svg>'


def _icon(name: str, size: str = "") -> str:
    return f'<svg class="icon{size}" aria-hidden="true"><use href="#i-{name}"/></svg>'


# --- Words ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Words:
    """What the pieces say in one language, drawn as far as it is the same on every row."""

    disputed: str
    suspicion: str
    escalated: str
    proposed: str
    second: str
    waits: str
    over: str
    left: str
    waiting: str
    attempt: str
    earlier: str
    more: str
    and_more: str
    no_code: str
    not_named: str
    none_refused: str
    no_checks: str
    you: str
    holds: str
    claim: str
    select: str
    unassigned: str
    from_api: str
    from_api_short: str
    entities: dict[str, str]


@per_language
def _words() -> _Words:
    return _Words(
        disputed=_mark(
            "escalated", gettext("Disputed"), gettext("Ralio's verdict differs from the officer's decision")
        ),
        suspicion=_mark(
            "rejected", gettext("Suspicion"), gettext("A code marked as a suspicion came with it")
        ),
        escalated=_mark("escalated", gettext("Escalated"), gettext("It waits for a supervisor")),
        proposed=_mark(
            "quiet",
            gettext("Awaiting second officer"),
            gettext("A decision is proposed, and another person has to confirm it"),
        ),
        second=_mark(
            "quiet",
            gettext("Second review"),
            gettext("Whatever is decided, another person has to confirm it"),
        ),
        waits=_mark("quiet", gettext("Waits until %(when)s")),
        over=_icon("alert", SMALL) + gettext("%(span)s over"),
        left=gettext("%(span)s left"),
        waiting=gettext("waiting %(span)s"),
        attempt=gettext("attempt %(n)s"),
        earlier=gettext("%(earlier)s earlier, %(rejected)s rejected"),
        more=gettext("%(n)s more"),
        and_more=gettext("and more"),
        no_code=gettext("No code"),
        not_named=gettext("not named"),
        none_refused=gettext("No check was refused."),
        no_checks=gettext("Ralio sent no checks."),
        you=gettext("You"),
        holds=gettext("%(name)s holds it until %(when)s"),
        claim=_labelled(gettext("Claim session %(id)s"), pgettext("verb", "Claim")),
        select=gettext("Select session %(id)s"),
        unassigned=_quiet(gettext("Unassigned")),
        from_api=_from_api(gettext("from Ralio’s API")),
        # Translators: the tagged words are for screen readers; keep the tags.
        from_api_short=_from_api(gettext('<span class="vh">from Ralio’s </span>API')),
        entities={value: escape(str(label)) for value, label in EntityType.choices},
    )


def _mark(tone: str, words: str, title: str = "") -> str:
    said = f' title="{title}"' if title else ""
    return f'<span class="state state--{tone}"{said}>{words}</span>'


def _quiet(words: str) -> str:
    return f'<span class="sub">{words}</span>'


def _labelled(label: str, words: str) -> str:
    return f'aria-label="{label}">{words}'


def _from_api(words: str) -> str:
    title = gettext("Ralio did not send this. The desk asked Ralio’s API for it.")
    return f'<span class="from-api" title="{title}">{_icon("download", SMALL)}{words}</span>'


# --- Pieces --------------------------------------------------------------------------------------
@register.simple_tag
def uuid(id: UUID | str) -> SafeString:
    """Draw a UUID in short: the first block and the last four, for IDs can share a first block."""
    text = escape(str(id))
    return SafeString(
        f'<span class="uuid" title="{text}">{text[:8]}<span class="uuid__tail">…{text[-4:]}</span></span>'
    )


@register.simple_tag
def state(state: str, is_disputed: bool = False) -> SafeString:
    """Draw a session's state, in Ralio's capitals."""
    tone = STATES.get(state, "quiet")  # type: ignore[call-overload]
    mark = f" {_words().disputed}" if is_disputed else ""
    return SafeString(f'<span class="state state--{tone}">{escape(state)}</span>{mark}')


@register.simple_tag
def due(due_at: datetime, is_boxed: bool = False) -> SafeString:
    """Draw how a due time stands."""
    found = sla(due_at)
    left, tone, words = {"span": span(found["left"])}, found["tone"], _words()
    inner = words.over % left if tone == "over" else RING.format(found["percent"]) + words.left % left
    return SafeString(
        f'<span class="sla sla--{tone}{" sla--boxed" if is_boxed else ""}" data-due="{int(due_at.timestamp())}">{inner}</span>'
    )


@register.simple_tag
def clock_words() -> SafeString:
    """Draw what `clock.js` writes running times with: the words, the hours that they stand for, and the time it is."""
    words, patterns = _words(), span_patterns()
    told = {
        **{name.replace("_", "-"): pattern for name, pattern in patterns.items()},
        "left": words.left,
        "over": gettext("%(span)s over"),
        "waiting": words.waiting,
        "now": str(int(timezone.now().timestamp())),
        "soon": str(int(settings.KYC_DUE_SOON.total_seconds())),
        "target": str(int(settings.KYC_REVIEW_SLA.total_seconds())),
    }
    attributes = " ".join(f'data-{name}="{escape(text)}"' for name, text in told.items())
    return SafeString(f'<template id="clock" {attributes}></template>')


@register.simple_tag
def pips(checks: Iterable[ShownCheck], total: int, refused: int) -> SafeString:
    """Draw one mark for each of a session's first checks."""
    if not total:
        return SafeString("")
    drawn = [PIPS.get(check.state, ("unknown", "minus")) for check in checks]
    marks = "".join([f'<span class="pip pip--{tone}">{_icon(name)}</span>' for tone, name in drawn])
    label = _refused_of(spoken(), refused, total)
    return SafeString(f'<span class="pips" role="img" aria-label="{label}">{marks}</span>')


@lru_cache(maxsize=1000)
def _refused_of(language: str | None, refused: int, total: int) -> str:
    words = ngettext(
        "%(refused)d of %(total)d check refused", "%(refused)d of %(total)d checks refused", total
    )
    return words % {"refused": refused, "total": total}


@register.simple_tag
def code(code: str, category: str = "", url: str = "") -> SafeString:
    """Draw a reason code with its category, as a link where there is an address."""
    inner = f'<span class="code__cat">{escape(category)}</span>' if category else ""
    inner += f'<span class="code__name">{escape(code) or _words().no_code}</span>'
    if url:
        return SafeString(f'<a href="{escape(url)}" class="code" title="{escape(code)}">{inner}</a>')
    return SafeString(f'<span class="code" title="{escape(code)}">{inner}</span>')


@register.simple_tag
def subject(session: Session) -> SafeString:
    """Draw whom a session is about, in short."""
    icon = _icon("party" if session.entity_type == EntityType.RELATED_PARTY else "user")
    named = uuid(session.subject_id) if session.subject_id else _words().not_named  # type: ignore[arg-type]
    label = _words().entities.get(session.entity_type) or escape(session.entity_type)
    return SafeString(f'{icon}<span class="vh">{label}</span>{named}')


@register.simple_tag
def marks(session: Session, waits_until: datetime | None = None) -> SafeString:
    """Draw what sets a session of the queue apart from the others."""
    words = _words()
    drawn = words.suspicion if session.is_suspect else words.escalated if session.escalated_at else ""
    if session.is_disputed:
        drawn += words.disputed
    if session.proposed_by_id:
        drawn += words.proposed
    elif session.is_second_review:
        drawn += words.second
    if waits_until:
        drawn += words.waits % {"when": moment(waits_until, "brief")}
    return SafeString(drawn)


@register.simple_tag
def holder(holder: Member, is_mine: bool, until: datetime) -> SafeString:
    """Draw who holds a session."""
    name, words = escape(holder.username), _words()
    title = words.holds % {"name": name, "when": brief(until)}
    avatar = f'<span class="avatar{" avatar--me" if is_mine else ""}" aria-hidden="true">{escape(initials(holder.username))}</span>'
    return SafeString(
        f'<span class="who" title="{title}">{avatar}'
        f'<span class="who__name">{words.you if is_mine else name}</span></span>'
    )


@register.simple_tag
def from_api(is_short: bool = False) -> SafeString:
    """Say that Ralio did not send this: the desk asked for it."""
    return SafeString(_words().from_api_short if is_short else _words().from_api)


@register.simple_tag
def options(chip: Chip) -> SafeString:
    """Draw the choices of a filter's menu as tick boxes with what is noted beside them."""
    name, (before, after) = escape(chip.name), ("<code>", "</code>") if chip.is_code else ("", "")
    return SafeString(
        "\n".join(
            f'<label class="option"><input class="checkbox" type="checkbox" name="{name}" value="{escape(choice.value)}"'
            f'{" checked" if choice.is_chosen else ""}><span class="option__text">{before}{escape(choice.label)}{after}</span>'
            f"{f'<span class="option__count">{escape(choice.note)}</span>' if choice.note else ''}</label>"
            for choice in chip.choices
        )
    )


@register.simple_tag
def tab(tab: Tab, current: Tab) -> SafeString:
    """Draw one of the queue's views as a link with its count."""
    query = f"?{escape(tab.query)}" if tab.query else ""
    here = ' aria-current="page"' if tab == current else ""
    tone = " tabs__n--red" if tab.is_alarming and tab.count else ""
    return SafeString(
        f'<a href="{reverse("queue")}{query}"{here}>{escape(tab.title)}'
        f' <span class="tabs__n{tone}">{capped(tab.count)}</span></a>'
    )


# --- The queue's rows ----------------------------------------------------------------------------
@register.simple_tag
def queue_rows(rows: Iterable[Row], query: str) -> SafeString:
    """Draw the queue's rows. `query` is the list's own, which their links carry along."""
    painter = _Painter(query)
    with one_language():
        return SafeString("".join([painter.row(row) for row in rows]))


@register.simple_tag
def queue_row(row: Row, query: str, left: str = "", is_swap: bool = False) -> SafeString:
    """Draw one row, which with `is_swap` takes the place of the one that is there.

    `left` says what became of a session that the list does not hold any more.
    """
    return SafeString(_Painter(query).row(row, left, is_swap=is_swap))


class _Painter:
    """Draws rows whose links have the same beginning and end."""

    def __init__(self, query: str) -> None:
        self.query = f"?from={quote(query, safe='')}" if query else ""
        any_id = UUID(int=0)
        self.session, self.peek = (
            reverse(name, args=[any_id]).split(str(any_id)) for name in ("session", "queue-peek")
        )

    def row(self, row: Row, left: str = "", *, is_swap: bool = False) -> str:
        session = row.session
        id_, words = str(session.pk), _words()
        tick = (
            f'<input class="checkbox" type="checkbox" name="s" value="{id_}" data-row-key="x" aria-label="{words.select % {"id": id_[:8]}}">'
            if row.is_in_review or not left
            else ""
        )
        if session.due_at:
            waits = words.waiting % {"span": waited(session.state_since)}
            since = int(session.state_since.timestamp())
            stands = f'{due(session.due_at)}<div class="sub" data-since="{since}">{waits}</div>'
        else:
            stands = state(session.state)
        return f"""<tr class="qrow{" qrow--left" if left else ""}" role="row" id="s-{id_}" data-mark="{escape(row.mark)}"{' hx-swap-oob="true"' if is_swap else ""}>
  <td class="q-sel" role="cell">{tick}</td>
  <td class="q-due" role="cell">{stands}</td>
  <td class="q-id" role="cell">
    <div class="q-id__top"><a class="qrow__link" href="{id_.join(self.session)}{self.query}" hx-get="{id_.join(self.peek)}{self.query}" hx-trigger="focus delay:120ms, desk:peek">{uuid(id_)}</a>{marks(session, row.waits_until)}</div>
    <div class="sub q-id__sub">{subject(session)}{_attempt(row)}</div>
  </td>
  <td class="q-why" role="cell">
    <div class="why">
      <div class="why__line">{_findings(row)}</div>
      <span class="sub why__msg">{_why(row)}</span>
    </div>
  </td>
  <td class="q-recv" role="cell"><span class="sub">{moment(session.state_since, "short")}</span></td>
  <td class="q-who" role="cell">{_who(row, left, id_)}</td>
</tr>"""


def _attempt(row: Row) -> str:
    if row.attempt <= 1:
        return ""
    tone = " repeat--red" if row.n_rejected else ""
    title = _words().earlier % {"earlier": capped(row.n_earlier), "rejected": capped(row.n_rejected)}
    return (
        f'<span class="repeat{tone}" title="{title}">{_words().attempt % {"n": capped(row.attempt)}}</span>'
    )


def _findings(row: Row) -> str:
    drawn: str = pips(row.checks, row.session.n_checks, row.session.n_refused)
    if row.is_from_api:
        drawn += from_api(is_short=True)
    codes: Sequence[str] = row.all_codes
    shown = codes[:CODES_SHOWN]
    drawn += "".join(code(each) for each in shown)
    n_more, words = len(codes) - len(shown), _words()
    more = words.and_more if row.is_cut else words.more % {"n": n_more} if n_more else ""
    return f'{drawn}<span class="sub nowrap">{more}</span>' if more else drawn


def _why(row: Row) -> str:
    types = row.refused_types
    if not types:
        return _words().none_refused if row.session.n_checks else _words().no_checks
    names = f"<b>{escape(', '.join(check_name(each) for each in types))}</b>"
    return f"{names} · {escape(row.message)}" if row.message else names


def _who(row: Row, left: str, id_: str) -> str:
    if left:
        return f'<span class="left">{escape(left)}</span>'
    if row.holder and row.session.claimed_until:
        return holder(row.holder, row.is_mine, row.session.claimed_until)
    if row.can_claim:
        return f'<button class="btn btn--s" name="claim" value="{id_}" data-row-key="c" {_words().claim % {"id": id_[:8]}}</button>'
    return _words().unassigned if row.is_in_review else ""
