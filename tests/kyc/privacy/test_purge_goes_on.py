"""What stops a purge, what comes in its way and what one row will not have done keeps it from nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from kyc import erasing, ingestion, ledger, privacy, review
from kyc.choices import DataKind, EntityType
from kyc.models import Check, Contact, Delivery, LedgerEntry, Session, User
from kyc.retention import Daily, Purge
from kyc.subjects import Subject
from tests import wire
from tests.factories import ContactFactory, DeliveryFactory, RefusedRequestFactory
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import REASON
from tests.kyc.privacy.test_retention import keep, purge

pytestmark = pytest.mark.django_db


def unread(subject_id: object, number: int) -> Delivery:
    """Keep a body that names somebody and could not be read."""
    body = f'{{"userId": "{subject_id}", "said": "{lives.said(str(number))}"}}'.encode()
    return DeliveryFactory(is_quarantined=True, body=body, sha256=f"{number:064}")


def two_of_which_one_fails(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Return two rejected sessions in the order of their keys: the first one cannot be overwritten."""
    first, second = sorted([lives.rejected(), lives.rejected()], key=lambda session: session.pk)
    overwrite = erasing.overwrite

    def broken(session: Session, *args: Any, **how: Any) -> Any:
        if session.pk == first.pk:
            raise ValueError(lives.said("in the error"))
        return overwrite(session, *args, **how)

    monkeypatch.setattr(erasing, "overwrite", broken)
    return [first, second]


def erased(action: str) -> list[str]:
    return list(LedgerEntry.objects.filter(action=action).values_list("detail", flat=True))


def test_one_session_that_can_not_be_overwritten_keeps_no_other_waiting(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    first, second = two_of_which_one_fails(monkeypatch)
    with pytest.raises(CommandError, match=r"^1 could not be"):
        call_command("purge", "--apply")
    assert not Delivery.objects.filter(session=second, erased_at=None).exists()
    assert Delivery.objects.filter(session=first, erased_at=None).exists()
    assert '"failed":1' in erased("retention.purged")[0]


def test_a_day_whose_purge_broke_off_is_not_taken_for_done(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    lives.rejected()
    daily = Daily()
    with monkeypatch.context() as broken:
        broken.setattr(erasing, "overwrite", _no_database)
        with pytest.raises(OperationalError):
            daily.portion()
    assert erased("retention.purged") == []
    while daily.portion():
        pass
    assert (lives.found(), len(erased("retention.purged"))) == (set(), 1)


def test_a_hold_that_is_placed_meanwhile_stops_what_is_left(settings: Any, supervisor: User) -> None:
    keep(settings, bodies=1900)
    subject = Subject(EntityType.USER, uuid4())
    for number in range(3):
        unread(subject.id, number)
    RefusedRequestFactory(body=f'"{subject.id}"'.encode(), n_kept_bytes=38)
    lives.grow_old()
    steps = Purge().steps()
    next(steps)
    privacy.place_hold(subject, by=supervisor, reason=REASON)
    list(steps)
    assert Delivery.objects.filter(erased_at=None).count() == 2
    assert len(erased("delivery.erased")) == 1 and erased("refused_request.erased") == []


def test_what_the_worker_has_applied_meanwhile_is_left_to_its_session(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(settings, bodies=1900)
    first, later = unread(uuid4(), 1), failed(monkeypatch)
    lives.grow_old()
    steps = Purge().steps()
    next(steps)
    ingestion.take_again(later.pk)
    list(steps)
    later.refresh_from_db()
    assert (later.status, later.erased_at, later.checks_erased_at) == ("applied", None, None)
    assert erased("delivery.erased") == [f'{{"delivery":{first.pk}}}']


def test_a_contact_that_somebody_removes_meanwhile_stops_nothing(settings: Any) -> None:
    keep(settings, contacts=1900)
    first, second, third = ContactFactory.create_batch(3)
    lives.grow_old()
    steps = Purge().steps()
    next(steps)
    second.delete()
    list(steps)
    assert not Contact.objects.filter(erased_at=None).exists()
    assert [
        str(one.subject_id) in said
        for one, said in zip([first, third], erased("contact.erased"), strict=True)
    ]


def test_each_row_has_its_entry_so_that_a_killed_purge_leaves_its_trace(settings: Any) -> None:
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    lives.rejected()
    for _ in Purge().steps():
        n_erased = len(erased("session.erased")) + sum(
            len(erased(f"{name}.erased")) for name in ("delivery", "refused_request", "contact")
        )
        assert n_erased > 0
    assert not erased("retention.purged") and len(erased("contact.erased")) == 1
    assert list(ledger.verify()) == []


def test_a_value_that_is_corrected_after_its_check_was_purged_goes_in_its_turn(
    settings: Any, admin: User
) -> None:
    session = lives.rejected()
    keep(settings, checks=1900)
    purge()
    check = Check.objects.filter(session=session, position=1).first()
    assert check is not None
    session.refresh_from_db()
    new = review.Change(check, "data", f'{{"a":"{lives.said("again")}"}}')
    review.correct(session, by=admin, changes=[new], reason="It was read wrongly.")
    lives.grow_old()
    purge()
    assert lives.found(lives.said("again")) == set()


def failed(
    monkeypatch: pytest.MonkeyPatch, session_id: UUID | None = None, user_id: UUID | None = None
) -> Delivery:
    """Let an event come that something of ours fails at."""
    session_id, user_id = session_id or uuid4(), user_id or uuid4()
    event = lives.event("kyc_session_failed", session_id, user_id, hours=2, checks=lives.checks("failed"))
    with monkeypatch.context() as broken:
        broken.setattr(ingestion, "_apply_to_session", _no_database_row)
        broken.setattr(ingestion.fastpath, "is_available", lambda: False)
        wire.post(event)
    return Delivery.objects.filter(status="failed").latest("pk")


def _no_database(*args: Any, **how: Any) -> None:
    raise OperationalError


def _no_database_row(*args: Any) -> None:
    raise RuntimeError
