from __future__ import annotations

from allauth.usersessions import apps as usersessions_apps
from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.backends.signals import connection_created


class KycConfig(AppConfig):
    name = "kyc"
    verbose_name = "KYC"

    def ready(self) -> None:
        from kyc import fastpath, sittings
        from kyc.desk import signins

        signins.connect()
        sittings.connect()
        connection_created.connect(fastpath.prepare, dispatch_uid="kyc.fastpath")


class SittingsConfig(usersessions_apps.UserSessionsConfig):  # type: ignore[misc]
    """allauth's table of who is signed in where, filled by `kyc.sittings` alone."""

    default = False

    def ready(self) -> None:
        """Listen to nothing: allauth would ask for each of a person's sessions at each sign-in."""


class DeskAdminConfig(admin_apps.AdminConfig):
    """Django's admin with the desk's own site."""

    default = False
    default_site = "kyc.admin_site.DeskAdminSite"
