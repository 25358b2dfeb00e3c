"""How people at the desk hear of what happens: at once, in the day's digest, or not at all; and what goes without saying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from kyc import ledger
from kyc.models import User
from kyc.review.acts import CHECK, DECIDE, SUPERVISE, people_with
from notifications.choices import ABOUT_DAYS, TO_THE_DESK, Choice, Kind
from notifications.models import Preference


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may hear of a kind of thing, and how they do until they choose: officers, and those who supervise."""

    permissions: tuple[str, ...]
    officers: Choice
    supervisors: Choice


# Only a digest leaves nothing for later: whoever has it has it at once. What waits for one person, because they were
# asked or hold the session, comes to them at once unless they want nothing of the kind: see `recipients`.
RULES: dict[Kind, Rule] = {
    Kind.REVIEW_OPENED: Rule((DECIDE,), Choice.DIGEST, Choice.DIGEST),
    Kind.DUE_SOON: Rule((DECIDE,), Choice.DIGEST, Choice.DIGEST),
    Kind.OVERDUE: Rule((DECIDE,), Choice.DIGEST, Choice.AT_ONCE),
    Kind.ESCALATED: Rule((DECIDE, SUPERVISE), Choice.AT_ONCE, Choice.AT_ONCE),
    Kind.SECOND_REVIEW: Rule((CHECK,), Choice.DIGEST, Choice.AT_ONCE),
    Kind.DISPUTED: Rule((DECIDE, SUPERVISE), Choice.AT_ONCE, Choice.AT_ONCE),
    Kind.DAILY_DIGEST: Rule((DECIDE,), Choice.AT_ONCE, Choice.AT_ONCE),
    Kind.INBOX_UNWELL: Rule((SUPERVISE,), Choice.AT_ONCE, Choice.AT_ONCE),
    Kind.INBOX_WELL: Rule((SUPERVISE,), Choice.AT_ONCE, Choice.AT_ONCE),
}


# --- One person ----------------------------------------------------------------------------------
def offered(kind: Kind) -> tuple[Choice, ...]:
    """Return what there is to choose from: a digest is sent or it is not."""
    return (Choice.AT_ONCE, Choice.OFF) if kind in ABOUT_DAYS else tuple(Choice)


def choices_of(person: User) -> dict[Kind, Choice]:
    """Return how a person hears of each kind that their role lets them hear of, whether they said so or not."""
    chosen = dict(Preference.objects.filter(person=person).values_list("kind", "choice"))
    return {kind: Choice(chosen.get(kind, default)) for kind, default in defaults_of(person).items()}


def choose(person: User, wanted: Mapping[Kind, Choice]) -> None:
    """Take down how the person wants to hear of these kinds, and record it; the others stay as they are.

    What is as it mostly is leaves no row, so that it follows the person's role. A kind that the role does not let them
    hear of, or a choice that is not offered, raises ValueError.
    """
    defaults = defaults_of(person)
    for kind, choice in wanted.items():
        if kind not in defaults or choice not in offered(kind):
            raise ValueError(f"{choice} is no choice of {kind} for this person.")
    with transaction.atomic():
        # Locked, so that two forms sent at once do not mix.
        User.objects.select_for_update().get(pk=person.pk)
        before = choices_of(person)
        changed = {kind: choice for kind, choice in wanted.items() if choice != before[kind]}
        for kind, choice in changed.items():
            if choice == defaults[kind]:
                Preference.objects.filter(person=person, kind=kind).delete()
            else:
                Preference.objects.update_or_create(person=person, kind=kind, defaults={"choice": choice})
        if changed:
            detail: dict[str, ledger.Detail] = {kind.value: choice.value for kind, choice in changed.items()}
            ledger.append(ledger.person_chain(person), "person.notifications_chosen", actor=person, **detail)


def defaults_of(person: User) -> dict[Kind, Choice]:
    """Return how a person hears of each kind that their role lets them hear of, until they choose."""
    is_supervisor = person.has_perm(SUPERVISE)
    return {
        kind: RULES[kind].supervisors if is_supervisor else RULES[kind].officers
        for kind in Kind
        if kind in TO_THE_DESK and all(person.has_perm(name) for name in RULES[kind].permissions)
    }


# --- Everybody -----------------------------------------------------------------------------------
def people(kind: Kind, *, for_supervisors: bool = False) -> QuerySet[User]:
    """Return the people who may hear of this kind: their account is active and a role of theirs lets them see to it.

    What officers leave to supervisors is for those who supervise, too.
    """
    names = dict.fromkeys((*RULES[kind].permissions, *([SUPERVISE] if for_supervisors else [])))
    return people_with(*names)


def wants(kind: Kind, choice: Choice) -> Q:
    """Return the condition that a person has chosen this for the kind, or said nothing where it goes without saying."""
    chosen = Preference.objects.filter(person=OuterRef("pk"), kind=kind)
    said_so = Q(Exists(chosen.filter(choice=choice)))
    rule = RULES[kind]
    if choice not in (rule.officers, rule.supervisors):
        return said_so
    said_nothing = ~Q(Exists(chosen))
    if rule.officers != rule.supervisors:
        supervises = Q(pk__in=people_with(SUPERVISE).values("pk"))
        said_nothing &= supervises if choice == rule.supervisors else ~supervises
    return said_so | said_nothing
