"""For somebody who has lost phone and codes: an admin takes all their second factors, and they set up new ones."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from kyc import sittings
from kyc.admin.base import signed_in
from kyc.admin.keys import keys_page
from kyc.desk import factors
from kyc.desk.sensitive import FACTORS, require_fresh
from kyc.models import User


class LostFactors(admin.ModelAdmin[User]):
    """The page of a person's second factors. Nobody takes their own here: that is done on one's own page."""

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.factors_view)
        return [path("<int:pk>/factors/", page, name="kyc_user_factors"), *super().get_urls()]

    @admin.display(description=_("Second factors"))
    def factors_shown(self, person: User) -> SafeString | str:
        if person.pk is None:
            return "–"
        n = Authenticator.objects.filter(user=person, type__in=FACTORS).count()
        words = ngettext("%(n)d second factor", "%(n)d second factors", n) % {"n": n}
        return format_html('<a href="{}">{}</a>', reverse("admin:kyc_user_factors", args=[person.pk]), words)

    def factors_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return keys_page(
            self,
            request,
            pk,
            title=gettext("Second factors of %(person)s"),
            template="admin/kyc/user/factors.html",
            shown=lambda person: list(Authenticator.objects.filter(user=person).order_by("created_at", "pk")),
            remove=self._remove,
        )

    def _remove(self, request: HttpRequest, person: User) -> None:
        """Take them all, and end every sign-in: one of them may be in the hands of who has the phone."""
        require_fresh(request)
        with transaction.atomic():
            removed = factors.remove_all(person, by=signed_in(request))
            if removed:
                sittings.end_sessions(person)
        if removed:
            words = gettext("%(person)s has no second factor any more, and is signed out everywhere.")
            self.message_user(request, words % {"person": person}, messages.SUCCESS)
