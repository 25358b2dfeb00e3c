"""Ways round the second factor that look like none: a used code written otherwise, a touched key, an old first step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from kyc.models import User
from tests.conftest import signed_in
from tests.factories import PASSWORD, UserFactory
from tests.kyc.desk import appliances
from tests.kyc.desk.appliances import Passkey, code, options_of, with_app
from tests.kyc.desk.test_second_factor import LOGIN, STEP, acts, enter_password
from tests.kyc.desk.test_security_page import APP, HTTPS, add_passkey, key_on, set_up_app

ALONE = "/account/login/passkey/"
NOON = datetime(2026, 11, 20, 12, 0, 5, tzinfo=UTC)


def at_the_second_step(**form: str) -> Client:
    client = Client()
    enter_password(client, **form)
    return client


@pytest.mark.parametrize("written", ["{}-{}", "{} {}", "{}.{}", "{}{}"])
def test_a_used_code_is_used_however_it_is_written(officer: User, written: str) -> None:
    with_app(officer)
    with time_machine.travel(NOON) as time:
        used = code()
        assert at_the_second_step().post(STEP, {"code": used}).status_code == 302
        # Longer than allauth remembers it, and still within the minute and a half in which it is right.
        time.shift(31)
        again = at_the_second_step().post(STEP, {"code": written.format(used[:3], used[3:])})

    assert again.status_code == 422
    assert acts(officer)[-1] == ("person.factor_failed", {"type": "totp"})


def test_nor_does_the_code_that_set_the_app_up_sign_in(officer: User, monkeypatch: Any) -> None:
    client = signed_in(officer, method="password")
    monkeypatch.setattr(appliances, "SECRET", key_on(client))
    used = appliances.code()
    client.post(APP, {"code": used})

    assert at_the_second_step().post(STEP, {"code": f"{used[:3]}-{used[3:]}"}).status_code == 422


def test_the_first_factor_ends_the_sign_ins_that_were_without_one(officer: User, monkeypatch: Any) -> None:
    """Somebody else who has the password may be in one of them."""
    elsewhere, here = signed_in(officer, method="password"), signed_in(officer)
    set_up_app(here, monkeypatch)
    assert elsewhere.get("/queue/").status_code == 302
    assert ("person.signed_out_elsewhere", {"n": 1}) in acts(officer)

    elsewhere = signed_in(officer)
    add_passkey(here, Passkey())
    assert (elsewhere.get("/queue/").status_code, here.get("/queue/").status_code) == (200, 200)


@pytest.mark.parametrize("is_verified", [True, False])
def test_a_key_that_was_only_touched_signs_nobody_in_alone(
    client: Client, officer: User, monkeypatch: Any, is_verified: bool
) -> None:
    """A colleague has found it. Their own second step asks for a touch only, and its question is put to it."""
    found, colleague = Passkey(), UserFactory(username="colleague", role="officer")
    add_passkey(signed_in(officer), found, passwordless="on")
    add_passkey(signed_in(colleague), Passkey(id=b"the colleague's own"))
    client.post(LOGIN, {"login": "colleague", "password": PASSWORD}, **HTTPS)
    asked = options_of(client.get(STEP, **HTTPS).content.decode())
    client.post(STEP, {"cancel": "1"}, **HTTPS)
    if not is_verified:
        monkeypatch.setattr(appliances, "VERIFIED", 0)
    client.post(ALONE, {"credential": found.answer(asked)}, **HTTPS)

    assert client.session.get("_auth_user_id") == (str(officer.pk) if is_verified else None)


def test_a_new_password_ends_a_sign_in_that_is_half_way(officer: User) -> None:
    with_app(officer)
    half_way = at_the_second_step()
    officer.set_password("another horse, another battery")
    officer.save()

    assert half_way.get(STEP).url == LOGIN
    assert half_way.post(STEP, {"code": code()}).url == LOGIN
    assert half_way.get("/queue/").status_code == 302


def test_a_closed_account_ends_it_too_and_it_does_not_come_back(officer: User) -> None:
    with_app(officer)
    half_way = at_the_second_step()
    User.objects.filter(pk=officer.pk).update(is_active=False)
    half_way.post(STEP, {"code": code()})
    User.objects.filter(pk=officer.pk).update(is_active=True)

    assert half_way.get("/queue/").status_code == 302
    assert "person.signed_in" not in [act for act, _ in acts(officer)]
