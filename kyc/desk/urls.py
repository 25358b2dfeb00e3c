"""The desk's addresses. Of allauth's views only those that the desk uses are mounted."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import path
from django.views.generic import RedirectView

from kyc.desk import deliveries, deliveries_detail, deliveries_replay, history, queue, session, themes

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="queue")),
    path("queue/", queue.page, name="queue"),
    path("queue/new/", queue.new_sessions, name="queue-new"),
    path("queue/peek/<uuid:pk>/", queue.peek, name="queue-peek"),
    path("sessions/<uuid:pk>/", session.session_page, name="session"),
    path("sessions/<uuid:pk>/deliveries/<int:delivery_id>/", session.delivery_body, name="session-delivery"),
    path("rejected/", history.history, name="history"),
    path("rejected/export/", history.history_export, name="history-export"),
    path("deliveries/", deliveries.page, name="deliveries"),
    path("deliveries/new/", deliveries.new_deliveries, name="deliveries-new"),
    path("deliveries/health/", deliveries.health, name="deliveries-health"),
    path("deliveries/replay/", deliveries_replay.replay, name="deliveries-replay"),
    path("deliveries/<int:pk>/", deliveries_detail.delivery, name="delivery"),
    path("deliveries/<int:pk>/raw/", deliveries_detail.delivery_raw, name="delivery-raw"),
    path("deliveries/refused/<int:pk>/", deliveries_detail.refused, name="refused-request"),
    path("deliveries/refused/<int:pk>/raw/", deliveries_detail.refused_raw, name="refused-request-raw"),
    path("theme/", themes.choose, name="theme"),
    path("account/login/", account.login, name="account_login"),
    path("account/logout/", account.logout, name="account_logout"),
    path("account/password/", account.password_change, name="account_change_password"),
]
