from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.backends.signals import connection_created


class KycConfig(AppConfig):
    name = "kyc"
    verbose_name = "KYC"

    def ready(self) -> None:
        from kyc import fastpath
        from kyc.desk import signins

        signins.connect()
        connection_created.connect(fastpath.prepare, dispatch_uid="kyc.fastpath")


class DeskAdminConfig(admin_apps.AdminConfig):
    """Django's admin with the desk's own site."""

    default = False
    default_site = "kyc.admin_site.DeskAdminSite"
