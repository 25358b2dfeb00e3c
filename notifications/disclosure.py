"""What a subject may be told of why: a reason code's own words for subjects, and nothing else of ours or Ralio's.

Every message to a subject is written from the session's id and from what `disclosed` returns; one about a related
party's session from the invitation too. `tests/notifications/test_disclosure.py` proves that nothing else gets in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

from kyc.choices import Language
from kyc.models import Decision, Reason, ReasonCode, RejectionReason, Session
from kyc.models.digests import text_digest


def is_under_suspicion(session: Session) -> bool:
    """Return True when any code that the session ever had is marked as a suspicion."""
    return bool(under_suspicion([session.pk]))


def under_suspicion(sessions: Collection[UUID]) -> set[UUID]:
    """Return those of these sessions that are under suspicion."""
    codes = [(pk, text_digest(code)) for pk, code in _codes(sessions)]
    digests = {digest for _, digest in codes}
    suspect = ReasonCode.objects.filter(is_suspicion=True, digest__in=digests)
    marked = set(suspect.values_list("digest", flat=True)) if digests else set()
    return {pk for pk, digest in codes if digest in marked}


# Where a session's object keeps the codes that may be told.
READ_AHEAD = "told_read_ahead"
# The column with a code's words for who reads the language; what is not there is not said in another one.
_WORDS = {Language.ENGLISH: "subject_text", Language.SPANISH: "subject_text_es"}


def disclosed(session: Session, language: str) -> list[str]:
    """Return the words that the subject may read of the rejection's reasons, each once, in their order.

    Under a suspicion there are none, also when a person has released the message: which reasons are given and which
    are not would tell.
    """
    told: list[ReasonCode] | None = vars(session).get(READ_AHEAD)
    if told is None:
        told = _told([session])[session.pk]
    column = _WORDS[Language(language)]
    return list(dict.fromkeys(words for code in told if (words := getattr(code, column))))


def read_ahead(sessions: Sequence[Session]) -> None:
    """Ask once for many sessions which of their reasons `disclosed` may tell. It holds for these very objects."""
    told = _told(sessions)
    for session in sessions:
        vars(session)[READ_AHEAD] = told[session.pk]


def _told(sessions: Sequence[Session]) -> dict[UUID, list[ReasonCode]]:
    """Return the codes of each session's rejection that may be told, in their order: none under a suspicion."""
    suspect = under_suspicion([session.pk for session in sessions])
    rejected = RejectionReason.objects.filter(
        session__in=[each.pk for each in sessions if each.pk not in suspect]
    )
    digests = list(rejected.order_by("position").values_list("session", "code_digest"))
    wanted = {digest for _, digest in digests}
    codes = ReasonCode.objects.filter(is_disclosable=True, digest__in=wanted).in_bulk(field_name="digest")
    told: dict[UUID, list[ReasonCode]] = defaultdict(list)
    for pk, digest in digests:
        if digest in codes:
            told[pk].append(codes[digest])
    return told


def _codes(sessions: Collection[UUID]) -> Iterator[tuple[UUID, str]]:
    """Yield each code that each session ever had: sent by Ralio, of its rejection, or of a decision here."""
    sent = Reason.objects.filter(kyc_check__session__in=sessions)
    yield from sent.values_list("kyc_check__session", "code").distinct()
    yield from RejectionReason.objects.filter(session__in=sessions).values_list("session", "code")
    for pk, codes in Decision.objects.filter(session__in=sessions).values_list("session", "codes"):
        yield from ((pk, code) for code in codes)
