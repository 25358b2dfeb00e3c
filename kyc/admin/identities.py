"""Somebody who was added here before the company's identity provider came: an admin names who they are there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import UserChangeForm
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kyc.admin.base import signed_in
from kyc.desk import identities, provider
from kyc.models import User

# As long as the column that keeps it.
LONGEST = 191


class IdentityForm(UserChangeForm[User]):
    """A person with their identifier at the provider, where there is one."""

    identifier = forms.CharField(
        label=_("Identifier at the identity provider"),
        max_length=LONGEST,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "What the provider calls this person in the claim “sub”. Whoever signs in there under it signs in as this"
            " person: have it from who looks after the provider, not from the person. With the first sign-in from there"
            " the password here is gone. Empty: they do not come from there."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if provider.is_there():
            self.fields["identifier"].initial = identities.of(self.instance)
        else:
            del self.fields["identifier"]

    def clean_identifier(self) -> str:
        uid: str = self.cleaned_data["identifier"]
        other = identities.holder(uid) if uid else None
        if other and other.pk != self.instance.pk:
            words = gettext("This is the identifier of %(person)s. Take it away there first.")
            raise forms.ValidationError(words % {"person": other})
        return uid


class Identities(admin.ModelAdmin[User]):
    """The identifier among a person's access, for who may change it."""

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not provider.is_there() or not self.has_change_permission(request, obj):
            return fieldsets
        return [
            (title, {**options, "fields": (*options["fields"], "identifier")})
            if "groups" in options["fields"]
            else (title, options)
            for title, options in fieldsets
        ]

    def save_identity(self, request: HttpRequest, form: forms.ModelForm[User]) -> None:
        """Name who somebody is there, if that was changed, and say when nothing is left to sign in with."""
        if "identifier" not in form.changed_data:
            return
        person, uid = form.instance, form.cleaned_data["identifier"]
        identities.name(person, uid, by=signed_in(request))
        if not uid and not person.has_usable_password():
            words = gettext(
                "%(person)s cannot sign in any more: nobody at %(provider)s, and no password here."
            )
            named = {"person": person, "provider": settings.OIDC_NAME}
            self.message_user(request, words % named, messages.WARNING)
