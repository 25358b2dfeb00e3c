"""Two people erase: who asked for it counts as one of them only for as long as they may ask for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from kyc import people, privacy
from kyc.choices import ErasureStatus
from kyc.exceptions import ActRefused
from kyc.models import Erasure, User
from tests.conftest import signed_in
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import REASON

pytestmark = pytest.mark.django_db


@pytest.fixture
def erasure(supervisor: User) -> Erasure:
    return privacy.request_erasure(lives.subject_of(lives.rejected()), by=supervisor, reason=REASON)


def close(person: User) -> None:
    person.is_active = False
    person.save()


def demote(person: User) -> None:
    people.give_roles(person, ["officer"])


@pytest.mark.parametrize("lose", [close, demote])
def test_what_somebody_asked_for_who_may_not_any_more_is_not_confirmed(
    erasure: Erasure, supervisor: User, admin: User, lose: Callable[[User], None]
) -> None:
    lose(supervisor)
    with pytest.raises(ActRefused, match="may not ask for erasures any more"):
        privacy.confirm_erasure(erasure.pk, by=admin)
    assert Erasure.objects.get().status == ErasureStatus.REQUESTED
    assert "kyc_note.text" in lives.found()


def test_nor_is_the_rest_of_it_when_the_role_goes_between_two_of_its_steps(
    erasure: Erasure, supervisor: User, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase_session = privacy._erase_session

    def last(*args: object) -> None:
        erase_session(*args)  # type: ignore[arg-type]
        demote(supervisor)

    monkeypatch.setattr(privacy, "_erase_session", last)
    with pytest.raises(ActRefused, match="may not ask for erasures any more"):
        privacy.confirm_erasure(erasure.pk, by=admin)
    assert Erasure.objects.get().status == ErasureStatus.REQUESTED
    assert "kyc_contact.name" in lives.found()


def test_its_page_offers_to_refuse_it_and_then_another_may_ask(
    erasure: Erasure, supervisor: User, admin: User
) -> None:
    supervisor.groups.set(Group.objects.filter(name="officer"))
    subject, client = privacy.subject_of(erasure), signed_in(admin)
    page = client.get(reverse("privacy-subject", args=["user", subject.id])).text
    confirm = reverse("privacy-erasure-confirm", args=[erasure.pk])
    assert "may not ask for erasures any more" in page and confirm not in page
    assert client.post(confirm).status_code == 409

    client.post(reverse("privacy-erasure-refuse", args=[erasure.pk]), {"reason": REASON})
    assert Erasure.objects.get().status == ErasureStatus.REFUSED
    assert privacy.request_erasure(subject, by=admin, reason=REASON).maker == admin
