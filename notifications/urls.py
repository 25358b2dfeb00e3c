"""The mail folder of a demo or a developer; `notifications.folder` says when there is one."""

from __future__ import annotations

from django.urls import path

from notifications import views

urlpatterns = [path("mail/<uuid:session_id>/", views.mail, name="mail")]
