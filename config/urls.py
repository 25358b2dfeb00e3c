"""Every address of KYC Desk."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path

from config import health
from kyc.webhooks import RalioWebhook

urlpatterns = [
    # A trailing slash works too: a redirect would lose the event.
    re_path(r"^webhooks/ralio/?$", RalioWebhook.as_view(), name="webhook"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("admin/", admin.site.urls),
    path("", include("kyc.desk.urls")),
    path("", include("notifications.urls")),
]
# Also what allauth answers to too many sign-ins.
handler429 = "kyc.desk.limits.too_many"
