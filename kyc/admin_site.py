"""The admin site: the desk's own sign-in, sign-out and passwords, and an index in the order of the work."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import RedirectURLMixin, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.generic import RedirectView

# Section -> its models. A model named nowhere stands in its app's own section, after these.
SECTIONS = (
    (_("Sessions"), ("session", "check", "reason", "correction", "decision", "note")),
    (_("Deliveries"), ("delivery", "refusedrequest", "enquiry", "eventname", "inboxalarm")),
    (_("Subjects and codes"), ("contact", "reasoncode")),
    (_("Privacy"), ("legalhold", "erasure")),
    (_("Notifications"), ("notification", "attempt")),
    (_("People"), ("user", "group")),
    (_("Ledger"), ("ledgerentry", "ledgerhead", "seal", "sealedhead")),
)


class DeskAdminSite(AdminSite):
    """Django's admin site without a sign-in form of its own."""

    site_title = _("KYC Desk admin")
    site_header = "KYC Desk"
    index_title = _("Admin")

    @method_decorator([never_cache, login_not_required])
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send visitors to the desk's sign-in, and staff on to where they were going."""
        going_to = RedirectURLMixin().get_redirect_url(request) or reverse(
            "admin:index", current_app=self.name
        )
        if self.has_permission(request):
            return HttpResponseRedirect(going_to)
        if request.user.is_authenticated:
            raise PermissionDenied(gettext("Your role has no work in the admin site."))
        return redirect_to_login(going_to, login_url=reverse("account_login"))

    def get_urls(self) -> list[Any]:
        """Put the desk's sign-out and password pages in place of the admin's own."""
        change_password = RedirectView.as_view(pattern_name="account_change_password")
        return [
            path("logout/", RedirectView.as_view(pattern_name="account_logout"), name="logout"),
            path("password_change/", change_password, name="password_change"),
            path("password_change/done/", change_password, name="password_change_done"),
            *super().get_urls(),
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the models that the person may see; on the index, by section instead of by app."""
        apps = super().get_app_list(request, app_label)
        return apps if app_label else _in_sections(apps)


def _in_sections(apps: list[Any]) -> list[Any]:
    known = {model["object_name"].lower(): (app, model) for app in apps for model in app["models"]}
    sections = []
    for title, names in SECTIONS:
        found = [known.pop(name) for name in names if name in known]
        if found:
            app = found[0][0]
            sections.append({**app, "name": title, "models": [model for _, model in found]})
    for app in apps:
        rest = [model for model in app["models"] if model["object_name"].lower() in known]
        if rest:
            sections.append({**app, "models": rest})
    return sections
