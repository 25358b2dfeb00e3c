"""A message's preview in the admin, in a browser: the frame shows the HTML as it is sent, and runs and leads nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from kyc.models import Contact, User
from notifications.models import Notification
from tests import wire
from tests.e2e import checks


@pytest.mark.parametrize("look", ["light", "phone"], indirect=True)
def test_the_frame_shows_the_mail(open_page: Callable[..., Page], supervisor: User, look: str) -> None:
    event = wire.payload("related_party.kyc_session_created", at=timezone.now())
    wire.post(event)
    Contact.objects.update(name="María del Carmen Fernández-Villaverde y Gómez de las Heras")
    row = Notification.objects.get(session=event["data"]["kycSession"]["id"])
    page = open_page(look, person=supervisor)
    page.goto(reverse("admin:notifications_notification_preview", args=[row.pk]))

    mail = page.frame_locator("iframe")
    expect(
        mail.get_by_text("Hello María del Carmen Fernández-Villaverde y Gómez de las Heras,")
    ).to_be_visible()
    expect(mail.locator("td.sheet")).to_have_css("border-radius", "8px")
    assert mail.locator("a").count() == 0, "The personal link is not in it."
    checks.is_good(page)
