"""Where somebody is signed in, for an admin to end it: a browser left open, a phone lost, a doubt."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from kyc import people, sittings
from kyc.admin.base import signed_in
from kyc.admin.keys import keys_page
from kyc.desk import browsers
from kyc.models import User


class SignedIn(admin.ModelAdmin[User]):
    """The page of a person's sign-ins. One's own are ended on one's own page, which leaves out the present one."""

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.sittings_view)
        return [path("<int:pk>/sign-ins/", page, name="kyc_user_sittings"), *super().get_urls()]

    @admin.display(description=_("Signed in"))
    def sittings_shown(self, person: User) -> SafeString | str:
        if person.pk is None:
            return "–"
        n = len(sittings.of(person))
        words = ngettext("With %(n)d browser", "With %(n)d browsers", n) % {"n": n}
        return format_html('<a href="{}">{}</a>', reverse("admin:kyc_user_sittings", args=[person.pk]), words)

    @admin.display(description=_("Comes from"))
    def provider_shown(self, person: User) -> str:
        if person.pk is None or not SocialAccount.objects.filter(user=person).exists():
            return gettext("Added here")
        words = gettext("%(provider)s: name, address and role are read from there at each sign-in.")
        return words % {"provider": settings.OIDC_NAME}

    def sittings_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return keys_page(
            self,
            request,
            pk,
            title=gettext("Where %(person)s is signed in"),
            template="admin/kyc/user/sittings.html",
            shown=lambda person: [(each, browsers.words(each.browser)) for each in sittings.of(person)],
            remove=self._end,
        )

    def _end(self, request: HttpRequest, person: User) -> None:
        with transaction.atomic():
            n_ended = sittings.end_sessions(person)
            if n_ended:
                people.record(person, "person.signed_out_by_admin", by=signed_in(request), n=n_ended)
        words = gettext("%(person)s is signed out everywhere.")
        self.message_user(request, words % {"person": person}, messages.SUCCESS)
