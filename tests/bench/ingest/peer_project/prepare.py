"""Migrate, and lay the rows that dj-stripe would else ask Stripe for. Prints the webhook endpoint's path."""

from __future__ import annotations

import os

import django


def main() -> None:
    django.setup()
    from django.core.management import call_command
    from django.urls import reverse
    from djstripe.models import Account, APIKey, WebhookEndpoint

    call_command("migrate", verbosity=0, skip_checks=True)
    account = Account.objects.create(id="acct_bench", livemode=False)
    key = os.environ["STRIPE_TEST_SECRET_KEY"]
    APIKey.objects.create(secret=key, livemode=False, type="secret", djstripe_owner_account=account)
    endpoint = WebhookEndpoint.objects.create(
        id="we_bench",
        livemode=False,
        djstripe_owner_account=account,
        secret=os.environ["STRIPE_WEBHOOK_SECRET"],
        url="https://desk.example.test/",
        enabled_events=["*"],
        status="enabled",
    )
    print(reverse("djstripe:djstripe_webhook_by_uuid", args=[endpoint.djstripe_uuid]))


if __name__ == "__main__":
    main()
