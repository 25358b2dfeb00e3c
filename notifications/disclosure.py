"""What a subject may be told of why: a reason code's own words for subjects, and nothing else of ours or Ralio's."""

from __future__ import annotations

from itertools import chain

from kyc.models import Reason, ReasonCode, RejectionReason, Session
from kyc.models.digests import text_digest


def is_under_suspicion(session: Session) -> bool:
    """Return True when any code that the session ever had is marked as a suspicion."""
    digests = {text_digest(code) for code in _codes(session)}
    return ReasonCode.objects.filter(is_suspicion=True, digest__in=digests).exists()


def disclosed(session: Session) -> list[str]:
    """Return the words that the subject may read of the rejection's reasons, in their order.

    Under a suspicion there are none, also when a person has released the message: which reasons are given and which
    are not would tell.
    """
    if is_under_suspicion(session):
        return []
    digests = list(session.rejection_reasons.order_by("position").values_list("code_digest", flat=True))
    words = dict(
        ReasonCode.objects.filter(is_disclosable=True, digest__in=digests).values_list(
            "digest", "subject_text"
        )
    )
    return list(dict.fromkeys(words[digest] for digest in digests if digest in words))


def _codes(session: Session) -> set[str]:
    sent = Reason.objects.filter(kyc_check__session=session).values_list("code", flat=True)
    rejected = RejectionReason.objects.filter(session=session).values_list("code", flat=True)
    decided = chain.from_iterable(session.decisions.values_list("codes", flat=True))
    return {*sent, *rejected, *decided}
