"""Mail I get: how the reader hears of each kind of thing that their role lets them hear of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kyc.desk.access import DeskRequest, requires
from kyc.models import User
from notifications import preferences
from notifications.choices import ABOUT_DAYS, Choice, Kind
from notifications.desk.pages import VIEW

MEANINGS: Mapping[Kind, str | Promise] = {
    Kind.REVIEW_OPENED: gettext_lazy("Ralio could not verify a session automatically."),
    Kind.DUE_SOON: gettext_lazy("The time to decide a session is nearly over."),
    Kind.OVERDUE: gettext_lazy("The time to decide a session has passed."),
    Kind.ESCALATED: gettext_lazy("Somebody left a session to supervisors."),
    Kind.SECOND_REVIEW: gettext_lazy("Somebody asked for a second pair of eyes."),
    Kind.DISPUTED: gettext_lazy("Ralio and the desk have decided a session differently."),
    Kind.DAILY_DIGEST: gettext_lazy("Once a day: what waits, and what came since the last one."),
    Kind.INBOX_UNWELL: gettext_lazy("Deliveries from Ralio fail, are refused or stay away."),
    Kind.INBOX_WELL: gettext_lazy("What was wrong with the deliveries is over."),
}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    is_chosen: bool
    is_usual: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """One kind of thing, what it means, and what there is to choose from."""

    kind: Kind
    options: list[Option]

    @property
    def title(self) -> str:
        return str(self.kind.label)

    @property
    def meaning(self) -> str:
        return str(MEANINGS.get(self.kind, ""))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(VIEW)
def page(request: DeskRequest) -> HttpResponse:
    """Show what the reader has chosen, and take down what they choose."""
    is_sent = request.method == "POST"
    if is_sent and _is_taken_down(request.user, request.POST):
        messages.success(request, _("Your choice is saved."))
        return redirect("notification-preferences")
    context = {"wishes": wishes(request.user), "is_faulty": is_sent}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_sent else HTTPStatus.OK
    return render(request, "notifications/desk/preferences.html", context, status=status)


def wishes(person: User) -> list[Wish]:
    """Return what the person may choose, in the order of the kinds. One query."""
    usual = preferences.defaults_of(person)
    return [
        Wish(kind, [_option(kind, choice, chosen, usual[kind]) for choice in preferences.offered(kind)])
        for kind, chosen in preferences.choices_of(person).items()
    ]


def _option(kind: Kind, choice: Choice, chosen: Choice, usual: Choice) -> Option:
    is_daily = kind in ABOUT_DAYS and choice == Choice.AT_ONCE
    label = _("Once a day") if is_daily else str(choice.label)
    return Option(choice.value, label, choice == chosen, choice == usual)


def _is_taken_down(person: User, form: QueryDict) -> bool:
    """Take down what a form says of the kinds; return False, and do nothing, where it names no choice that there is."""
    try:
        wanted = {kind: Choice(form.get(kind, "")) for kind in Kind if kind in form}
        preferences.choose(person, wanted)
    except ValueError:
        return False
    return True
