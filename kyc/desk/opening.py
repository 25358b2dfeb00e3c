"""Who opens the session page, and what they typed into it before that is to be shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kyc.desk.forms import ActForm, AnswerForm, DecideForm, NoteForm, SettleForm
from kyc.models import User
from kyc.review import Seen


@dataclass(frozen=True, slots=True)
class Forms:
    """The page's forms: as they were sent, or empty."""

    decide: DecideForm
    settle: SettleForm
    answer: AnswerForm
    note: NoteForm

    @property
    def by_name(self) -> Mapping[str, ActForm]:
        return {"decide": self.decide, "settle": self.settle, "answer": self.answer, "note": self.note}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person sent that was not done, for the page to show again. `refusal` is what they were told.

    `search` is what they look for among the codes.
    """

    decide: DecideForm | None = None
    settle: SettleForm | None = None
    answer: AnswerForm | None = None
    note: NoteForm | None = None
    seen: Seen | None = None
    refusal: str = ""
    search: str = ""

    @property
    def forms(self) -> Forms:
        return Forms(
            self.decide or DecideForm(),
            self.settle or SettleForm(),
            self.answer or AnswerForm(),
            self.note or NoteForm(),
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """Who opens the page, what they typed into it before, and which codes they look for."""

    person: User
    typed: Typed = field(default_factory=Typed)
    search: str = ""
