"""A second factor at sign-in: an authenticator app and the codes on paper; codes that count once, and not for ever."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client

from kyc import ledger
from kyc.models import LedgerEntry, User
from tests.conftest import signed_in
from tests.factories import PASSWORD
from tests.kyc.desk.appliances import SECRET, code, with_app

LOGIN, STEP = "/account/login/", "/account/login/code/"


def enter_password(client: Client, username: str = "officer", **more: str) -> str:
    return client.post(LOGIN, {"login": username, "password": PASSWORD, **more}).url


def acts(person: User) -> list[tuple[str, dict]]:
    rows = LedgerEntry.objects.filter(chain=ledger.person_chain(person)).order_by("seq")
    return [(row.action, json.loads(row.detail)) for row in rows]


def test_the_password_alone_opens_nothing(client: Client, officer: User) -> None:
    with_app(officer)

    assert enter_password(client, next="/rejected/") == STEP
    assert client.get("/queue/").url == f"{LOGIN}?next=/queue/"
    assert "Second step" in client.get(STEP).content.decode()
    assert client.post(STEP, {"code": code()}).url == "/rejected/"
    assert client.get("/queue/").status_code == 200
    assert acts(officer)[-1] == ("person.signed_in", {"methods": ["password", "totp"]})


def test_a_code_counts_once(client: Client, officer: User) -> None:
    with_app(officer)
    used = code()
    enter_password(client)
    client.post(STEP, {"code": used})
    other = Client()
    enter_password(other)

    answer = other.post(STEP, {"code": used})
    assert answer.status_code == 422
    assert "This is not right, or it was used already." in answer.content.decode()


def test_a_recovery_code_counts_once_and_the_record_says_it_was_one(client: Client, officer: User) -> None:
    with_app(officer)
    first, *_ = RecoveryCodes.activate(officer).get_unused_codes()
    enter_password(client)
    client.post(STEP, {"code": first})
    other = Client()
    enter_password(other)

    assert other.post(STEP, {"code": first}).status_code == 422
    assert ("person.signed_in", {"methods": ["password", "recovery_codes"]}) in acts(officer)
    assert "9 left" in client.get("/account/security/").content.decode()


def test_a_wrong_code_is_recorded_without_what_was_typed(client: Client, officer: User) -> None:
    with_app(officer)
    enter_password(client)
    client.post(STEP, {"code": "000000"})

    assert acts(officer)[-1] == ("person.factor_failed", {"type": "totp"})


def test_five_wrong_codes_close_the_second_step_for_a_while(client: Client, officer: User) -> None:
    with_app(officer)
    enter_password(client)
    for n in range(5):
        client.post(STEP, {"code": f"00000{n}"})
    page = client.post(STEP, {"code": code()}).content.decode()

    assert "There were too many failed attempts." in page
    assert client.get("/queue/").status_code == 302


def test_one_can_begin_again_as_somebody_else(client: Client, officer: User) -> None:
    with_app(officer)
    enter_password(client)

    assert client.get(LOGIN).url == STEP
    assert client.post(STEP, {"cancel": "1"}).url == LOGIN
    assert "Second step" not in client.get(LOGIN).content.decode()


def test_the_second_step_is_nothing_to_begin_with(client: Client, officer: User) -> None:
    assert client.get(STEP).url == LOGIN
    assert client.post(STEP, {"code": code()}).url == LOGIN


def test_what_factors_are_made_of_is_encrypted(officer: User) -> None:
    with_app(officer)
    seeds = RecoveryCodes.activate(officer).get_unused_codes()

    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert SECRET not in kept
    assert not any(each in kept for each in seeds)
    assert not LedgerEntry.objects.filter(detail__contains=SECRET).exists()


@pytest.mark.parametrize(("is_listed", "expected"), [(True, 302), (False, 422)])
def test_a_new_secret_key_reads_what_the_old_one_encrypted_while_it_is_listed(
    client: Client, officer: User, settings, is_listed: bool, expected: int
) -> None:
    with_app(officer)
    before = Authenticator.objects.get().data["secret"]
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-" * 6
    settings.SECRET_KEY_FALLBACKS = [old] if is_listed else []
    enter_password(client)
    answer = client.post(STEP, {"code": code()})

    assert answer.status_code == expected
    assert (Authenticator.objects.get().data["secret"] != before) == is_listed
    if not is_listed:
        assert "An administrator can remove it." in answer.content.decode()
        return
    # Used once, it is the new key's.
    settings.SECRET_KEY_FALLBACKS = []
    assert Authenticator.objects.get().wrap().validate_code(code(1)) is True


def test_whoever_is_signed_in_is_past_it(officer: User) -> None:
    with_app(officer)
    assert signed_in(officer).get(STEP).url == "/queue/"
