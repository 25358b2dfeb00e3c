"""What takes two people takes two, by whatever door, in however many browsers, and whatever changes in between."""

from __future__ import annotations

import ast
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kyc import people, privacy
from kyc.choices import DecisionStatus, ErasureStatus
from kyc.models import Decision, Erasure, Note, Session, User
from tests.conftest import signed_in
from tests.factories import PASSWORD, UserFactory
from tests.kyc import scene
from tests.kyc.privacy import lives
from tests.kyc.review.acting import WORDS, rejected, seen
from tests.security.addresses import everything, of_all_roles

pytestmark = pytest.mark.django_db

ROOT = Path(settings.BASE_DIR)


@pytest.fixture
def erasure() -> Erasure:
    """What somebody of every role asked for, about a subject whose data nothing keeps from being erased."""
    asked_by = of_all_roles("maker")
    return privacy.request_erasure(lives.subject_of(lives.rejected()), by=asked_by, reason=lives.REASON)


@pytest.fixture
def proposal(settings: Any, officer: User) -> Decision:
    settings.KYC_FOUR_EYES = "all"
    return rejected(scene.in_review(), officer)


def is_untouched(erasure: Erasure) -> bool:
    now = Erasure.objects.get(pk=erasure.pk)
    return now.status == ErasureStatus.REQUESTED and Note.objects.get().text == lives.said("noted")


def confirm(client: Client, erasure: Erasure, **more: Any) -> int:
    form = {"reason": WORDS, "status": "done", **more}
    return client.post(reverse("privacy-erasure-confirm", args=[erasure.pk]), form).status_code


def check(client: Client, proposal: Decision) -> int:
    saw = seen(proposal.session)
    address = reverse("decision-confirm", args=[proposal.session_id, proposal.pk])
    return client.post(address, {"version": saw.version, "basis": saw.basis}).status_code


# --- Doors ---------------------------------------------------------------------------------------
def attempts(by: User, erasure: Erasure) -> set[str]:
    """Post to every address as this person, each time as if it were the first; return which of them erase."""
    form = {"reason": WORDS, "answer": WORDS, "act": "confirm", "decision": "confirm", "action": "confirm"}
    row = {"status": "done", "checker": erasure.maker_id, "checker_id": by.pk, "maker": by.pk, "_save": "1"}
    client, found = signed_in(by), set()
    cookies = deepcopy(client.cookies)
    for address in everything():
        client.cookies = deepcopy(cookies)
        with transaction.atomic():
            client.post(address.path, {**form, **row, "_selected_action": [erasure.pk], "post": "yes"})
            found |= set() if is_untouched(erasure) else {address.name}
            transaction.set_rollback(True)
    return found


@pytest.mark.walk
def test_who_asked_for_an_erasure_has_it_done_by_no_door(erasure: Erasure) -> None:
    assert attempts(erasure.maker, erasure) == set()


@pytest.mark.walk
def test_another_has_it_done_or_refused_by_two_doors_and_no_others(erasure: Erasure) -> None:
    other = of_all_roles("other")
    assert attempts(other, erasure) == {"privacy-erasure-confirm", "privacy-erasure-refuse"}


def test_a_superuser_who_asked_does_not_confirm(erasure: Erasure) -> None:
    User.objects.filter(pk=erasure.maker_id).update(is_superuser=True)
    assert confirm(signed_in(User.objects.get(pk=erasure.maker_id)), erasure) == 403
    assert is_untouched(erasure)


def test_no_command_does_it(erasure: Erasure) -> None:
    call_command("purge", "--apply", stdout=StringIO())
    for command in ("rebuild_sessions", "replay_deliveries", "recompute_due_times"):
        call_command(command, stdout=StringIO())
    assert is_untouched(erasure)


def test_what_erases_is_called_by_these_alone() -> None:
    """Whatever is added later is a door to be looked at here."""
    callers: dict[str, set[str]] = {"confirm_erasure": set(), "overwrite": set(), "overwrite_rest": set()}
    for path in (path for app in ("kyc", "config", "notifications") for path in (ROOT / app).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr in callers
            ):
                callers[call.func.attr].add(str(path.relative_to(ROOT)))
    assert callers == {
        "confirm_erasure": {"kyc/desk/privacy.py"},
        "overwrite": {"kyc/privacy.py", "kyc/retention.py"},
        "overwrite_rest": {"kyc/privacy.py"},
    }


# --- What changes in between ---------------------------------------------------------------------
@pytest.mark.parametrize("roles", [[], ["officer"], ["auditor"]])
def test_a_role_that_is_taken_away_counts_at_once_in_an_open_browser(
    roles: list[str], erasure: Erasure, proposal: Decision
) -> None:
    other = of_all_roles("other")
    open_browser = signed_in(other)
    other.groups.set(Group.objects.filter(name__in=roles))
    people.follow_role(other)
    assert confirm(open_browser, erasure) in (302, 403)
    assert confirm(signed_in(other), erasure) == 403
    assert is_untouched(erasure)
    if roles != ["officer"]:
        assert check(signed_in(other), proposal) == 403
    assert check(open_browser, proposal) in (302, 403)
    assert Decision.objects.filter(pk=proposal.pk, status=DecisionStatus.PROPOSED).exists()


def test_a_closed_account_s_open_browser_confirms_nothing(erasure: Erasure, proposal: Decision) -> None:
    other = of_all_roles("other")
    open_browser = signed_in(other)
    User.objects.filter(pk=other.pk).update(is_active=False)
    assert confirm(open_browser, erasure) == check(open_browser, proposal) == 302
    assert (
        is_untouched(erasure)
        and Decision.objects.filter(pk=proposal.pk, status=DecisionStatus.PROPOSED).exists()
    )


def test_one_person_in_two_browsers_is_one_person(
    erasure: Erasure, proposal: Decision, officer: User
) -> None:
    for person, act, what in ((erasure.maker, confirm, erasure), (officer, check, proposal)):
        first, second = signed_in(person), Client()
        sent = {"login": person.username, "password": PASSWORD}
        assert second.post("/account/login/", sent, headers={"User-Agent": "Another"}).status_code == 302
        assert act(first, what) == act(second, what) == 403  # type: ignore[operator]
    assert (
        is_untouched(erasure)
        and Decision.objects.filter(pk=proposal.pk, status=DecisionStatus.PROPOSED).exists()
    )


def test_another_name_for_the_same_account_is_no_other_person(erasure: Erasure) -> None:
    User.objects.filter(pk=erasure.maker_id).update(username="somebody.else", email="else@example.test")
    assert confirm(signed_in(User.objects.get(pk=erasure.maker_id)), erasure) == 403
    assert is_untouched(erasure)


# --- The database --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"status": "done"}, "checked_by_another"),
        ({"status": "done", "checker": "maker", "checked_at": timezone.now()}, "has_two_people"),
        ({"status": "refused", "checker": "other", "checked_at": timezone.now()}, "checked_by_another"),
        ({"checker": "other", "checked_at": timezone.now()}, "checked_by_another"),
    ],
)
def test_the_database_refuses_it_too(columns: dict[str, Any], constraint: str, erasure: Erasure) -> None:
    who = {"maker": erasure.maker, "other": UserFactory()}
    written = {name: who.get(value, value) if name == "checker" else value for name, value in columns.items()}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Erasure.objects.filter(pk=erasure.pk).update(**written)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        for name, value in written.items():
            setattr(erasure, name, value)
        erasure.save()


def test_and_in_sql(erasure: Erasure) -> None:
    sql = "UPDATE kyc_erasure SET status = 'done', checker_id = maker_id, checked_at = requested_at"
    with pytest.raises(IntegrityError, match="has_two_people"), transaction.atomic():
        connection.cursor().execute(sql)
    assert Session.objects.exists()
