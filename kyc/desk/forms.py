"""What people send from the session page. A form keeps everything typed, and says what is wrong with it and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from kyc.choices import FINAL_OUTCOMES, Outcome
from kyc.review import Seen

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# What a person may choose for a session in review: what the decision panel offers, in its order, and what ends a
# wait or an escalation.
OUTCOMES = (
    Outcome.APPROVE,
    Outcome.REJECT,
    Outcome.ESCALATE,
    Outcome.SECOND_REVIEW,
    Outcome.WAIT,
    Outcome.RESUME,
    Outcome.HAND_BACK,
)

NOBODY = gettext_lazy("Choose one of the people of this list.")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the control at which it is mended; none where it is the whole."""

    control: str
    text: str


class SeenField(forms.IntegerField):
    """What a page says of itself. Anything else counts as not said: whoever sends it has seen nothing."""

    def clean(self, value: Any) -> int | None:
        try:
            found: int | None = super().clean(value)
        except ValidationError:
            return None
        return found


class ActForm(forms.Form):
    """A form of an act: what its sender had seen goes with it, and what the act refuses comes back to its fields."""

    version = SeenField(min_value=0, max_value=2**31 - 1, required=False)
    basis = SeenField(min_value=0, max_value=2**63 - 1, required=False)

    # What did not happen, for want of what the faults name.
    headline: StrOrPromise | property = gettext_lazy("Nothing was saved.")

    @classmethod
    def kept(cls, data: QueryDict) -> Self:
        """Return the form with what was typed so far, of which nothing is judged yet."""
        form = cls()
        form.initial = {name: data.get(name, "") for name in form.fields}
        form.initial["codes"] = data.getlist("codes")
        return form

    @property
    def seen(self) -> Seen | None:
        """Return what the sender had before them, or None where the form does not say."""
        if not self.is_bound:
            return None
        self.is_valid()
        version, basis = (self.cleaned_data.get(name) for name in ("version", "basis"))
        return None if version is None or basis is None else Seen(version, basis)

    @property
    def typed(self) -> str:
        """Return what was typed, as one text; empty where the page always has the form."""
        return ""

    def refuse(self, refused: ValidationError) -> None:
        """Put what the act refuses beside the controls that it names."""
        if not hasattr(refused, "error_dict"):
            self.add_error(None, refused.messages)
            return
        for name, messages in refused.message_dict.items():
            self.add_error(self.control_of(name), messages)

    def control_of(self, name: str) -> str | None:
        """Return the field in which a person types what the act calls `name`."""
        return name if name in self.fields else None

    @property
    def faults(self) -> list[Fault]:
        """Return every fault with the id of its control, in the order of the page."""
        if not self.is_bound:
            return []
        return [
            Fault("" if name == NON_FIELD_ERRORS else self[name].auto_id, str(text))
            for name in [NON_FIELD_ERRORS, *self.fields]
            for text in self.errors.get(name, ())
        ]


class CodesField(forms.MultipleChoiceField):
    """The codes that were ticked, each once. Which of them there are is the act's to say."""

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: Any) -> list[str]:
        # No code holds a NUL: what came with one was replaced on arrival.
        return list(dict.fromkeys(code for code in value or () if code and "\x00" not in code))

    def valid_value(self, value: str) -> bool:
        return True


class WordsField(forms.CharField):
    """A person's words, with plain line ends: browsers send two letters for each."""

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class PersonField(forms.IntegerField):
    """The id of one of the people on a list, or nobody in particular. The act knows whom it takes."""

    def __init__(self) -> None:
        said = {"invalid": NOBODY, "min_value": NOBODY, "max_value": NOBODY}
        super().__init__(required=False, min_value=1, max_value=2**63 - 1, error_messages=said)


class DecideForm(ActForm):
    """What is decided about a session: one choice, with the fields of each. Only those of the chosen one count."""

    decision = forms.ChoiceField(
        choices=[(outcome.value, outcome.label) for outcome in OUTCOMES],
        error_messages={
            "required": gettext_lazy("Choose a decision."),
            "invalid_choice": gettext_lazy("Choose a decision."),
        },
    )
    rationale_approve = WordsField()
    codes = CodesField()
    rationale_reject = WordsField()
    to_escalate = PersonField()
    rationale_escalate = WordsField()
    to_second_review = PersonField()
    rationale_second_review = WordsField()
    until_date = forms.DateField(
        required=False, error_messages={"invalid": gettext_lazy("This is not a date.")}
    )
    until_time = forms.TimeField(
        required=False, error_messages={"invalid": gettext_lazy("This is not a time.")}
    )
    rationale_wait = WordsField()
    rationale_hand_back = WordsField()

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="decide-%s")

    def clean(self) -> dict[str, Any]:
        """Forget what stands in the fields of other choices, and join day and time of a wait."""
        chosen = self.cleaned_data.get("decision")
        for name in list(self.errors):
            if _choice_of(name) not in (None, chosen):
                del self.errors[name]
        if chosen == Outcome.WAIT and not {"until_date", "until_time"} & set(self.errors):
            self._join_until()
        return self.cleaned_data

    def _join_until(self) -> None:
        day, time = self.cleaned_data.get("until_date"), self.cleaned_data.get("until_time")
        if day is None:
            self.add_error("until_date", gettext("Say until which day to wait."))
        if time is None:
            self.add_error("until_time", gettext("Say until what time to wait."))
        if day is None or time is None:
            return
        try:
            self.cleaned_data["until"] = timezone.make_aware(datetime.combine(day, time))
            timezone.localtime(self.cleaned_data["until"])
        except OverflowError:
            self.add_error("until_date", gettext("Choose a nearer day."))

    @property
    def headline(self) -> str:  # type: ignore[override]
        not_done = {
            "approve": gettext("The session was not approved."),
            "reject": gettext("The session was not rejected."),
            "escalate": gettext("The session was not escalated."),
            "hand_back": gettext("The session was not handed back."),
        }
        return not_done.get(self.chosen, gettext("The session was not changed."))

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.cleaned_data["decision"])

    @property
    def rationale(self) -> str:
        return str(self.cleaned_data.get(f"rationale_{self.outcome.value}", ""))

    @property
    def to(self) -> int | None:
        found: int | None = self.cleaned_data.get(f"to_{self.outcome.value}")
        return found

    def control_of(self, name: str) -> str | None:
        chosen = self.cleaned_data.get("decision") or ""
        own = {"rationale": f"rationale_{chosen}", "to": f"to_{chosen}", "until": "until_date"}
        return super().control_of(own.get(name, name))

    @property
    def chosen(self) -> str:
        """Return the choice as it was sent; it may be none that there is."""
        return str(self["decision"].value() or "")

    @property
    def ticked(self) -> list[str]:
        return list(dict.fromkeys(self["codes"].value() or ()))

    @property
    def typed(self) -> str:
        """Return what was typed for the chosen decision, as one text."""
        label = str(dict(self.fields["decision"].choices).get(self.chosen, ""))  # type: ignore[attr-defined]
        codes = ", ".join(self.ticked) if self.chosen == Outcome.REJECT else ""
        name = f"rationale_{self.chosen}"
        said = self[name].value() or "" if name in self.fields else ""
        head = f"{label} ({codes})" if codes else label
        return f"{head}: {said}" if said else head


def _choice_of(name: str) -> str | None:
    """Return the choice that a field belongs to; None for those of every choice."""
    if name == "codes":
        return Outcome.REJECT.value
    if name.startswith("until_"):
        return Outcome.WAIT.value
    stem, _, choice = name.partition("_")
    return choice if stem in ("rationale", "to") else None


class SettleForm(ActForm):
    """How a supervisor ends a dispute: by one of the two verdicts."""

    headline = gettext_lazy("The dispute was not settled.")

    outcome = forms.ChoiceField(
        choices=[(outcome.value, outcome.label) for outcome in FINAL_OUTCOMES],
        error_messages={
            "required": gettext_lazy("Choose to uphold the decision or to follow Ralio."),
            "invalid_choice": gettext_lazy("Choose to uphold the decision or to follow Ralio."),
        },
    )
    codes = CodesField()
    rationale = WordsField()

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="settle-%s")

    @property
    def ticked(self) -> list[str]:
        return list(dict.fromkeys(self["codes"].value() or ()))

    @property
    def typed(self) -> str:
        return str(self["rationale"].value() or "")


class AnswerForm(ActForm):
    """Why a proposal goes back to its maker."""

    headline = gettext_lazy("The proposal was not answered.")

    answer = WordsField()

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="answer-%s")

    @property
    def typed(self) -> str:
        return str(self["answer"].value() or "")


class NoteForm(ActForm):
    """What a person writes beside a session."""

    headline = gettext_lazy("The note was not added.")

    text = WordsField()

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="note-%s")
