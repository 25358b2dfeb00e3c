"""The notifications' pages, and the mail folder of a demo or a developer; `notifications.folder` says when there is one."""

from __future__ import annotations

from django.urls import path

from notifications import views
from notifications.desk import acting, pages, wishes

urlpatterns = [
    path("notifications/", pages.page, name="notifications"),
    path("notifications/act/", acting.act, name="notifications-act"),
    path("notifications/preferences/", wishes.page, name="notification-preferences"),
    path("notifications/<uuid:pk>/", pages.message, name="notification"),
    path("mail/<uuid:session_id>/", views.mail, name="mail"),
]
