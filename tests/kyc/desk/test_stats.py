"""The queue's numbers are what plain queries count, whatever is in the queue, and whoever asks whatever is saved."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from kyc.choices import EntityType, FacetKind
from kyc.desk import facets, stats
from kyc.desk.filters import Filters, ages
from kyc.desk.saved_views import saved_views
from kyc.desk.team import team
from kyc.desk.views import View
from kyc.models import QueueFacet, Session, User
from kyc.models.digests import text_digest
from tests.factories import SavedViewFactory, SessionFactory, UserFactory

pytestmark = pytest.mark.django_db
CODES = ("A", "B", "", "C%s")
QUERIES = (
    "reason=A",
    "reason=",
    "category=",
    "reason=GONE",
    "entity=related-party",
    "reason=A&reason=B",
    "reason=C%25s&category=",
    "reason=A&sla=overdue",
)


def fill(people: Sequence[User], dice: random.Random) -> None:
    """Put sessions of all ages into the queue, one of them from a clock that is ahead."""
    now = timezone.now()
    holders = [None, *people]
    for hours in (-2, *(dice.choice((0.5, 3.9, 4.1, 20.5, 23, 30)) for _ in range(14))):
        since, holder = now - timedelta(hours=hours), dice.choice(holders)
        session = SessionFactory(
            entity_type=dice.choice((EntityType.USER, EntityType.RELATED_PARTY)),
            state_since=since,
            assignee=holder,
            claimed_until=now + timedelta(hours=dice.choice((-1, 1))) if holder else None,
            escalated_at=dice.choice((None, None, now)),
        )
        said = [(FacetKind.ENTITY, str(session.entity_type))]
        said += [(FacetKind.CODE, code) for code in dice.sample(CODES, dice.randrange(3))]
        said += [(FacetKind.CATEGORY, value) for value in dice.sample(("", "DOC"), dice.randrange(3))]
        QueueFacet.objects.bulk_create(
            QueueFacet(
                session=session, kind=kind, value=value, digest=text_digest(value), due_at=session.due_at
            )
            for kind, value in said
        )


def asked(person: User, now: datetime, chosen: str = "") -> stats.Stats:
    counted = facets.menus(Filters.read(QueryDict(chosen), person).chosen)
    return stats.stats(person, now, saved_views(person), team(now).people, counted)


def plainly(person: User, query: str, now: datetime) -> int:
    """Count what the queue's page would list."""
    return Filters.read(QueryDict(query), person).filtered(Session.objects.in_review(), now).count()


@pytest.mark.parametrize(("seed", "most"), [(1, 50), (2, 50), (3, 1)])
def test_they_are_what_plain_queries_count(monkeypatch: pytest.MonkeyPatch, seed: int, most: int) -> None:
    monkeypatch.setattr(facets, "MOST", most)
    monkeypatch.setattr(facets, "OPTIONS", facets.OPTIONS.replace("n <= 50", f"n <= {most}"))
    people = [UserFactory(role=role) for role in ("officer", "supervisor")]
    fill(people, random.Random(seed))
    now = timezone.now()
    for person in people:
        of = {SavedViewFactory(owner=person, name=query, query=query).pk: query for query in QUERIES}
        found = asked(person, now, chosen="reason=B&category=GONE")

        assert found.by_saved == {pk: plainly(person, query, now) for pk, query in of.items()}
        assert found.by_age == {age: plainly(person, f"age={age.name}", now) for age in ages()}
        assert found.by_view == {view: plainly(person, f"view={view}", now) for view in View}
        assert found.n_all == Session.objects.in_review().count()
        assert found.n_related == plainly(person, "entity=related-party", now)
        assert found.n_unassigned == plainly(person, "assignee=none", now)
        assert [found.n_overdue, found.n_soon, found.n_ok] == [
            plainly(person, f"sla={sla}", now) for sla in ("overdue", "soon", "ok")
        ]


@pytest.mark.parametrize(("target", "soon"), [(30, 0), (90, 600), (1440, 240), (360, 360), (359, 10)])
def test_each_session_has_waited_for_one_span_whatever_the_target(settings, target: int, soon: int) -> None:
    settings.KYC_REVIEW_SLA, settings.KYC_DUE_SOON = timedelta(minutes=target), timedelta(minutes=soon)
    now = timezone.now()
    edges = {edge for age in ages() for edge in (age.since, age.until or 0)}
    for edge in edges:
        for moment in (-1, 0, 1):
            SessionFactory(state_since=now - timedelta(hours=edge, microseconds=moment))
    found = asked(UserFactory(role="officer"), now)

    assert found.n_all == sum(found.by_age.values()) == 3 * len(edges)


def test_they_follow_a_person_s_role_and_views_and_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    for _ in range(3):
        SessionFactory(escalated_at=now)
    person = UserFactory(role="officer")
    assert asked(person, now).by_view[View.FREE] == 0

    person.groups.set(UserFactory(role="supervisor").groups.all())
    again = User.objects.get(pk=person.pk)
    view = SavedViewFactory(owner=again, query="view=free")
    assert asked(again, now).by_view[View.FREE] == asked(again, now).by_saved[view.pk] == 3
    monkeypatch.setattr("kyc.querysets.CAP", 1)
    assert asked(again, now).n_all == asked(again, now).by_saved[view.pk] == 2
    view.delete()
    assert asked(again, now).by_saved == {}
