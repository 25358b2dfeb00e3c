"""The desk's addresses. Of allauth's views only those that the desk uses are mounted."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import path
from django.views.generic import RedirectView

from kyc.desk import (
    bulk,
    claiming,
    deciding,
    deliveries,
    deliveries_detail,
    deliveries_replay,
    history,
    languages,
    leases,
    live,
    noting,
    portal,
    queue,
    saved_views,
    session,
    themes,
)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="queue")),
    path("queue/", queue.page, name="queue"),
    path("queue/new/", queue.new_sessions, name="queue-new"),
    path("queue/peek/<uuid:pk>/", queue.peek, name="queue-peek"),
    path("queue/rows/", live.changes, name="queue-rows"),
    path("queue/portal/", portal.portal, name="queue-portal"),
    path("queue/portal/export/", portal.portal_export, name="queue-portal-export"),
    path("queue/claim-next/", claiming.claim_next, name="queue-claim-next"),
    path("queue/bulk/", bulk.bulk, name="queue-bulk"),
    path("queue/views/", saved_views.save, name="queue-view-save"),
    path("queue/views/<int:pk>/delete/", saved_views.delete, name="queue-view-delete"),
    path("sessions/<uuid:pk>/", session.session_page, name="session"),
    path("sessions/<uuid:pk>/claim/", leases.claim, name="session-claim"),
    path("sessions/<uuid:pk>/release/", leases.release, name="session-release"),
    path("sessions/<uuid:pk>/assign/", leases.assign, name="session-assign"),
    path("sessions/<uuid:pk>/ask/", leases.ask, name="session-ask"),
    path("sessions/<uuid:pk>/hand-over/", leases.hand_over, name="session-hand-over"),
    path("sessions/<uuid:pk>/keep/", leases.keep, name="session-keep"),
    path("sessions/<uuid:pk>/renew/", leases.renew, name="session-renew"),
    path("sessions/<uuid:pk>/decide/", deciding.decide, name="session-decide"),
    path("sessions/<uuid:pk>/settle/", deciding.settle, name="session-settle"),
    path("sessions/<uuid:pk>/codes/", deciding.codes, name="session-codes"),
    path(
        "sessions/<uuid:pk>/decisions/<int:decision_id>/confirm/", deciding.confirm, name="decision-confirm"
    ),
    path(
        "sessions/<uuid:pk>/decisions/<int:decision_id>/return/", deciding.send_back, name="decision-return"
    ),
    path("sessions/<uuid:pk>/decisions/<int:decision_id>/undo/", deciding.undo, name="decision-undo"),
    path("sessions/<uuid:pk>/notes/", noting.note, name="session-note"),
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
    path("language/", languages.choose, name="language"),
    path("account/login/", account.login, name="account_login"),
    path("account/logout/", account.logout, name="account_logout"),
    path("account/password/", account.password_change, name="account_change_password"),
]
