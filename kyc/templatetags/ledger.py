"""What the verifier finds, in the reader's language: the verifier itself speaks English to whoever runs it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kyc.verifier import Break

register = template.Library()

# Each as the verifier says it, with what it names.
_WORDS: Sequence[tuple[str, str | Promise]] = (
    (r"entry (?P<n>\d+) is missing", _("Entry %(n)s is missing.")),
    (r"it does not follow from the entry before it", _("It does not follow from the entry before it.")),
    (r"its content is not what was written", _("Its content is not what was written.")),
    (
        r"its id says that it was written before the entry before it",
        _("Its id says that it was written before the entry before it."),
    ),
    (r"it is not what seal (?P<n>\d+) says", _("It is not what seal %(n)s says.")),
    (r"seal (?P<n>\d+) names it, and it is not there", _("Seal %(n)s names it, and it is not there.")),
    (
        r"seal (?P<n>\d+) names it, and the whole chain is gone",
        _("Seal %(n)s names it, and the whole chain is gone."),
    ),
    (r"the chain has more than one head", _("The chain has more than one head.")),
    (
        r"the head says that entries exist, and none does",
        _("The head says that entries exist, and none does."),
    ),
    (r"the chain has no head", _("The chain has no head.")),
    (
        r"the head says that it exists, and it does not",
        _("The head says that it exists, and it does not."),
    ),
    (r"the head does not agree with it", _("The head does not agree with it.")),
    (r"it is there twice, or out of order", _("It is there twice, or out of order.")),
    (r"its (?P<n>\w+) is not of its kind", _("Its column %(n)s holds what it cannot hold.")),
)


@register.filter
def break_words(found: Break) -> str:
    """Return what is wrong, as a sentence; what no sentence is known for as the verifier says it."""
    for pattern, words in _WORDS:
        if match := re.fullmatch(pattern, found.what):
            return str(words) % match.groupdict()
    return found.what
