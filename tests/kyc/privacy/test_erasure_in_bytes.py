"""An erasure looks into what no column says is the subject's, and into what happens while it is at work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from kyc import contacts, ingestion, ledger, privacy
from kyc.choices import DataKind, EntityType, ErasureStatus
from kyc.exceptions import ActRefused
from kyc.models import Contact, Delivery, Erasure, RefusedRequest, Session, User
from kyc.ralio import events
from kyc.rebuilding import rebuild
from kyc.subjects import Subject
from tests import wire
from tests.factories import ContactFactory, DeliveryFactory, RefusedRequestFactory
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import REASON
from tests.kyc.privacy.test_purge_goes_on import failed
from tests.kyc.privacy.test_retention import keep, purge

pytestmark = pytest.mark.django_db


def somebody() -> Subject:
    """Return a user of whom nothing is kept but a contact, from long ago."""
    subject = Subject(EntityType.USER, uuid4())
    ContactFactory(subject_id=subject.id)
    return subject


def unread(*ids: object, **how: Any) -> Delivery:
    body = f'{{"userId": "{" ".join(map(str, ids))}", "said": "{lives.MARK}"}}'.encode()
    return DeliveryFactory(is_quarantined=True, body=body, **how)


def test_a_hold_over_another_keeps_the_record_that_names_both(supervisor: User) -> None:
    subject, party = somebody(), Subject(EntityType.RELATED_PARTY, uuid4())
    both = {"user_id": str(subject.id), "relatedPartyId": str(party.id)}
    wire.post(wire.payload("kyc_state_updated", **both, comment=lives.MARK))
    lives.grow_old()
    privacy.place_hold(party, by=supervisor, reason=REASON)
    with pytest.raises(ActRefused, match="another subject"):
        lives.erase(subject)
    assert lives.found()


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_hold_over_another_keeps_the_bytes_that_name_both(supervisor: User, is_refused: bool) -> None:
    subject, other = somebody(), Subject(EntityType.USER, uuid4())
    body = bytes(unread(subject.id, other.id).body)
    if is_refused:
        Delivery.objects.all().delete()
        RefusedRequestFactory(body=body, n_kept_bytes=len(body))
    lives.grow_old()
    hold = privacy.place_hold(other, by=supervisor, reason=REASON)
    with pytest.raises(ActRefused, match="another subject"):
        lives.erase(subject)
    privacy.lift_hold(hold.pk, by=supervisor, reason=REASON)
    lives.erase(subject)
    assert lives.found() == set()


def test_what_came_lately_and_could_not_be_read_is_kept_as_long_as_the_law_has_it(supervisor: User) -> None:
    subject = somebody()
    lives.grow_old()
    unread(subject.id, received_at=timezone.now() - timedelta(days=1))
    with pytest.raises(ActRefused, match="kept until"):
        privacy.request_erasure(subject, by=supervisor, reason=REASON)
    # Anybody could send that.
    Delivery.objects.all().delete()
    RefusedRequestFactory(body=str(subject.id).encode(), n_kept_bytes=36)
    lives.erase(subject)
    assert RefusedRequest.objects.get().n_kept_bytes == 0


def test_what_we_fail_to_read_is_erased_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    user_id, read = uuid4(), events.read

    def broken(body: bytes) -> Any:
        if b"unlucky" in body:
            raise RuntimeError
        return read(body)

    monkeypatch.setattr(events, "read", broken)
    wire.post(lives.event("kyc_session_failed", uuid4(), user_id, note=lives.said("unlucky")))
    lives.grow_old()
    lives.erase(Subject(EntityType.USER, user_id))
    assert (Delivery.objects.get().status, lives.found()) == ("failed", set())


def test_what_the_worker_applies_meanwhile_is_erased_with_its_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delivery, rest = failed(monkeypatch), privacy._erase_the_rest
    user_id = events.read(bytes(delivery.body)).event.user_id  # type: ignore[union-attr]
    lives.grow_old()

    def after_the_worker(*args: Any) -> Any:
        ingestion.take_again(delivery.pk)
        return rest(*args)

    monkeypatch.setattr(privacy, "_erase_the_rest", after_the_worker)
    lives.erase(Subject(EntityType.USER, user_id))
    delivery.refresh_from_db()
    assert (delivery.status, lives.found()) == ("applied", set())
    assert (rebuild(Session.objects.get().pk), list(ledger.verify())) == ([], [])


def test_where_more_comes_than_it_can_follow_the_request_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = lives.rejected()
    monkeypatch.setattr(privacy, "_erase_session", lambda *args: None)
    with pytest.raises(ActRefused, match="Confirm it again"):
        lives.erase(lives.subject_of(session))
    assert Erasure.objects.get().status == ErasureStatus.REQUESTED
    assert Contact.objects.get().erased_at is None


def test_who_is_entered_again_is_kept_and_goes_again(settings: Any, admin: User) -> None:
    session = lives.rejected()
    lives.erase(lives.subject_of(session))
    table = f"entity_type,subject_id,email\nuser,{session.user_id},{lives.MARK}@example.test\n"
    list(contacts.apply(contacts.read(table.encode()), by=admin))
    assert Contact.objects.get().erased_at is None
    lives.grow_old()
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    purge()
    assert lives.found() == set()
