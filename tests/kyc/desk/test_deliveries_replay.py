"""Replay from the page: it shows what would change and changes nothing; once confirmed, it applies what was ticked."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from kyc.desk import deliveries_replay
from kyc.models import Delivery, LedgerEntry, RefusedRequest, Session, User
from tests.kyc.desk.arrivals import arrive, in_order
from tests.kyc.desk.parcels import broken, failed, html, mended, refused

pytestmark = pytest.mark.django_db
REPLAY = "/deliveries/replay/"


def seen(client: Client, query: str) -> str:
    return " ".join(html(client, f"{REPLAY}?{query}").split())


def done(client: Client, **chosen: object) -> str:
    answer = client.post(REPLAY, chosen)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_it_shows_what_would_change_and_changes_nothing(supervisor_client: Client) -> None:
    session = arrive("REVIEW", hours=5)
    row = mended(session_id=session.pk, at="2099-01-01T00:00:00Z")
    before = Session.objects.values().get(), LedgerEntry.objects.count()
    shown = seen(supervisor_client, f"delivery={row.pk}")

    assert in_order(shown, f"Replay delivery {row.pk}", "Nothing has been changed", "Would be applied")
    assert in_order(shown, "State</th><td>REVIEW</td><td>REJECTED</td>", "What it brings")
    assert (Session.objects.values().get(), LedgerEntry.objects.count()) == before
    assert Delivery.objects.get(pk=row.pk).status == "quarantined"


def test_confirming_applies_it_and_a_second_time_changes_nothing(
    supervisor_client: Client, supervisor: User
) -> None:
    row = mended(session_id=uuid4())
    first = done(supervisor_client, delivery=row.pk)
    row = Delivery.objects.get()

    assert in_order(first, "1 of 1 applied", "Applied", "was quarantined, invalid")
    assert (row.status, row.n_replays, row.last_replay_by) == ("applied", 1, supervisor)
    n_entries = LedgerEntry.objects.count()
    assert in_order(done(supervisor_client, delivery=row.pk), "0 of 1 applied", "Nothing to do")
    assert LedgerEntry.objects.count() == n_entries


def test_faults_that_still_stand_are_shown(supervisor_client: Client) -> None:
    row = broken()
    shown = seen(supervisor_client, f"delivery={row.pk}")

    assert in_order(
        shown, "Would stay: quarantined", "4 faults today", "This is not a UUID.", "Replay all the same"
    )
    assert in_order(done(supervisor_client, delivery=row.pk), "0 of 1 applied", "This is not a UUID.")


def test_a_failed_one_can_be_replayed(supervisor_client: Client) -> None:
    row = failed()

    assert "Would be applied" in seen(supervisor_client, f"delivery={row.pk}")
    assert "1 of 1 applied" in done(supervisor_client, delivery=row.pk)


def test_a_refused_request_is_verified_against_today_s_secrets(
    supervisor_client: Client, settings: object
) -> None:
    row = refused()
    assert in_order(
        seen(supervisor_client, f"refused={row.pk}"), "Would stay", "none of today&#x27;s secrets"
    )
    settings.RALIO_WEBHOOK_SECRETS = ["today", "another"]  # type: ignore[attr-defined]

    assert in_order(seen(supervisor_client, f"refused={row.pk}"), "Would be applied", "would be new")
    assert Delivery.objects.count() == 0
    assert "1 of 1 applied" in done(supervisor_client, refused=row.pk)
    assert RefusedRequest.objects.get().delivery == Delivery.objects.get()


def test_a_whole_filtered_list_is_shown_with_what_would_apply_ticked(supervisor_client: Client) -> None:
    good, bad, other = mended(), broken(), broken(b"no JSON")
    assert "replay/?" not in html(supervisor_client, "/deliveries/")
    link = html(supervisor_client, "/deliveries/?status=quarantined&cause=invalid")
    assert f'href="{REPLAY}?status=quarantined&amp;cause=invalid&amp;from=' in link
    shown = seen(supervisor_client, "status=quarantined&cause=invalid&all=1")

    assert f'name="delivery" value="{good.pk}" checked' in shown
    assert f'name="delivery" value="{bad.pk}">' in shown
    assert f'value="{other.pk}"' not in shown
    assert "1 of 2 would be applied." in shown


def test_each_of_several_has_its_own_result(supervisor_client: Client) -> None:
    good, bad = mended(), broken()
    shown = done(supervisor_client, delivery=[good.pk, bad.pk])

    assert "1 of 2 applied" in shown
    assert in_order(shown, f"Delivery {good.pk}", ">Applied<", f"Delivery {bad.pk}", ">Quarantined<")


def test_all_refused_ones_whose_signature_holds_today(supervisor_client: Client, settings: object) -> None:
    holds, forged = refused(), refused()
    RefusedRequest.objects.filter(pk=forged.pk).update(headers={"X-Signature": "0" * 64})
    settings.RALIO_WEBHOOK_SECRETS = ["another"]  # type: ignore[attr-defined]
    shown = seen(supervisor_client, "status=refused&all=1")

    assert f"Replay refused request {holds.pk}" in shown and f"request {forged.pk}" not in shown


def test_a_longer_list_comes_in_parts(supervisor_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries_replay, "MOST_AT_ONCE", 2)
    rows = [mended() for _ in range(3)]
    shown = seen(supervisor_client, "status=quarantined&all=1")

    assert in_order(shown, "These are 2 of a longer list", "replay_deliveries")
    assert f'value="{rows[0].pk}"' not in shown
    assert "2 of 2 applied" in done(supervisor_client, delivery=[row.pk for row in rows])


@pytest.mark.parametrize(
    "query", ["", "delivery=x", "refused=", "status=applied&all=1", "all=1", "status=failed&all=1"]
)
def test_where_there_is_nothing_to_replay_it_says_so(supervisor_client: Client, query: str) -> None:
    assert "There is nothing to replay" in seen(supervisor_client, query)


def test_one_that_is_gone_is_told(supervisor_client: Client) -> None:
    assert "There is no such delivery." in seen(supervisor_client, "delivery=999999")


def test_it_leads_back_to_the_list(supervisor_client: Client) -> None:
    row = mended()
    shown = seen(supervisor_client, f"delivery={row.pk}&from=status%3Dquarantined")

    assert 'href="/deliveries/?status=quarantined"' in shown
    assert 'href="/deliveries/?status=quarantined"' in done(
        supervisor_client, delivery=row.pk, **{"from": "status=quarantined"}
    )
