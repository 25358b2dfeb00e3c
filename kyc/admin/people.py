"""People at the desk and their four roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kyc import people, sittings
from kyc.admin import names
from kyc.admin.base import DeskAdmin, ReadOnlyMixin, signed_in
from kyc.admin.identities import Identities, IdentityForm
from kyc.admin.lost_factors import LostFactors
from kyc.admin.signed_in import SignedIn
from kyc.desk.sensitive import require_fresh
from kyc.models import User
from kyc.templatetags.desk import role_name

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_MEMBERS = 200

# People sign in by name and are added here: allauth's e-mail addresses have no use, and what factors are made of is
# nobody's to read. Whom the identity provider knows, and who is signed in where, is shown with the person.
admin.site.unregister(
    [Group, EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession]
)


class RolesField(forms.ModelMultipleChoiceField[Group]):
    """The roles, each as people say it."""

    def label_from_instance(self, obj: Group) -> str:
        return role_name(obj.name)


class RoleFilter(admin.RelatedFieldListFilter):
    """The people of one role, each role as people say it."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, StrOrPromise]]:
        return [(pk, role_name(str(name))) for pk, name in super().field_choices(field, request, model_admin)]


class PersonForm(IdentityForm):
    """A person's name and access. `by` is who changes them, in the sign-in `sitting`."""

    by: User
    sitting: SessionBase

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk == self.by.pk and not self._keeps_access(cleaned):
            self.add_error(None, gettext("You cannot take away your own access. Another admin can."))
        # Nobody takes away their own access, so that whoever still has it now keeps the desk from being without an admin.
        elif self.by.pk not in people.lock_admins() or not self.sitting.exists(
            self.sitting.session_key or ""
        ):
            self.add_error(None, gettext("Your own access was taken away meanwhile. Nothing was saved."))
        return cleaned

    def _keeps_access(self, cleaned: dict[str, Any]) -> bool:
        names = {group.name for group in cleaned.get("groups", ())}
        # A slip in one's own identifier would be the last thing that one did here.
        comes_in = self.instance.has_usable_password() or "identifier" not in self.changed_data
        return bool(cleaned.get("is_active")) and comes_in and (self.by.is_superuser or "admin" in names)


@admin.register(User)
class PersonAdmin(LostFactors, SignedIn, Identities, DeskAdmin[User], UserAdmin[User]):
    """Who is staff follows from the role; nobody is made a superuser here."""

    form = PersonForm
    list_display = ("username", "first_name", "last_name", "role_shown", "is_active", "last_login")
    list_filter = ("is_active", ("groups", RoleFilter))
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = _("The beginning of a username or of a name, or a whole e-mail address.")
    ordering = ("username",)
    sortable_by = ("username", "last_login")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Name and address"), {"fields": ("first_name", "last_name", "email")}),
        (
            _("Access"),
            {
                "fields": ("is_active", "groups", "is_staff", "is_superuser"),
                "description": _(
                    "People in the record are never deleted: take away their access here instead."
                ),
            },
        ),
        (
            _("Seen"),
            {"fields": ("last_login", "date_joined", "provider_shown", "factors_shown", "sittings_shown")},
        ),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "usable_password", "password1", "password2", "groups"),
            },
        ),
    )
    readonly_fields = (
        "is_staff",
        "is_superuser",
        "last_login",
        "date_joined",
        "provider_shown",
        "factors_shown",
        "sittings_shown",
    )

    def find(self, queryset: QuerySet[User], term: str) -> QuerySet[User]:
        return (
            queryset.filter(username__istartswith=term)
            | queryset.filter(first_name__istartswith=term)
            | queryset.filter(last_name__istartswith=term)
            | queryset.filter(email__iexact=term)
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[User]]:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.by, form.sitting = request.user, request.session  # type: ignore[attr-defined]
        return form

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField[Any] | None:
        if db_field.name == "groups":
            kwargs |= {"widget": forms.CheckboxSelectMultiple, "help_text": "", "label": _("Role")}
            kwargs |= {"form_class": RolesField}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(
        self, request: HttpRequest, form: forms.ModelForm[User], formsets: Sequence[Any], change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        people.follow_role(form.instance)
        act = "person.changed" if change else "person.added"
        people.record(form.instance, act, by=signed_in(request), fields=[*sorted(form.changed_data)])
        self.save_identity(request, form)
        if form.instance == request.user:
            sittings.leave_if_ended(request)

    @admin.display(description=_("Role"))
    def role_shown(self, person: User) -> str:
        return (
            ", ".join(role_name(name) for name in sorted(group.name for group in person.groups.all())) or "–"
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.has_add_permission(request):
            require_fresh(request)
        return super().add_view(request, form_url, extra_context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST" and self.has_change_permission(request):
            require_fresh(request)
        return super().change_view(request, object_id, form_url, extra_context)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        # Before it is typed: a password does not wait.
        if self.has_change_permission(request):
            require_fresh(request)
            if id == str(signed_in(request).pk):
                # One's own page asks for the present password, and takes away none.
                return HttpResponseRedirect(reverse("account_change_password"))
        if request.method != "POST":
            return super().user_change_password(request, id, form_url)
        with transaction.atomic():
            before = self._password(id)
            response = super().user_change_password(request, id, form_url)
            if self._password(id) != before:
                person = User.objects.get(pk=id)
                sittings.end_sessions(person)
                people.record(person, "person.password_set", by=signed_in(request))
        return response

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST" and self.has_change_permission(request):
            require_fresh(request)
        person = self.get_object(request, object_id)
        if person and self.has_change_permission(request, person) and _is_in_record(person):
            words = gettext(
                "%(person)s is in the record and cannot be deleted. Take away the access instead: untick Active."
            )
            self.message_user(request, words % {"person": person}, messages.WARNING)
            return HttpResponseRedirect(reverse("admin:kyc_user_change", args=[person.pk]))
        return super().delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        if signed_in(request).pk not in people.lock_admins():
            raise PermissionDenied
        people.record(obj, "person.deleted", by=signed_in(request))
        super().delete_model(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        # Read-only, the page would show the hash itself.
        return [(None, {"fields": ("username",)}), *fieldsets[1:]]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Else an admin could take over a superuser's account by setting its password.
        is_above = obj is not None and obj.is_superuser and not signed_in(request).is_superuser
        return super().has_change_permission(request, obj) and not is_above

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        may = super().has_delete_permission(request, obj) and self.has_change_permission(request, obj)
        return may and obj is not None and obj != request.user and not _is_in_record(obj)

    def _password(self, pk: str) -> str | None:
        return User.objects.filter(pk=pk).values_list("password", flat=True).first() if pk.isdigit() else None


@admin.register(Group)
class RoleAdmin(ReadOnlyMixin, DeskAdmin[Group]):
    """The four roles and who has them. What each may do is fixed by a migration."""

    list_display = ("name_shown",)
    ordering = ("name",)
    fields = ("name_shown", "members", "may")

    @admin.display(description=_("name"))
    def name_shown(self, group: Group) -> str:
        return role_name(group.name)

    @admin.display(description=_("People"))
    def members(self, group: Group) -> SafeString | str:
        named = User.objects.filter(groups=group).order_by("username").values_list("pk", "username")
        rows = (
            (reverse("admin:kyc_user_change", args=[pk]), username) for pk, username in named[:MOST_MEMBERS]
        )
        return format_html_join("", '<a class="row" href="{}">{}</a>', rows) or gettext("Nobody yet.")

    @admin.display(description=_("May"))
    def may(self, group: Group) -> SafeString | str:
        permissions = group.permissions.select_related("content_type").order_by(
            "content_type__app_label", "codename"
        )
        acts = ((names.of_permission(permission),) for permission in permissions)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", acts))


def _is_in_record(person: User) -> bool:
    """Return True when the ledger names the person: whoever did anything here, if only to sign in, is in it."""
    return person.ledger_entries.exists()
