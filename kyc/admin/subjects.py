"""Contacts of subjects, and what the reason codes mean."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Upper
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, gettext_lazy

from kyc import suspicions
from kyc.admin import contact_imports, search, text
from kyc.admin.masked import ConcealedAdmin
from kyc.admin.recorded import RecordedAdmin
from kyc.choices import ContactSource, EntityType
from kyc.desk import unmasking
from kyc.desk.access import DeskRequest, record
from kyc.desk.masking import SEE
from kyc.desk.unmasking import Target
from kyc.models import Contact, ReasonCode
from kyc.models.digests import text_digest
from kyc.signals import contact_changed

SUBJECTS = [EntityType.USER, EntityType.RELATED_PARTY]


class OneLine(forms.TextInput):
    """A wide field of one line."""

    def __init__(self) -> None:
        super().__init__(attrs={"class": "vTextField"})


class ContactForm(forms.ModelForm[Contact]):
    class Meta:
        widgets = {"name": OneLine(), "language": OneLine()}
        help_texts = {
            "subject_id": gettext_lazy("The user's or related party's UUID, as Ralio sends it."),
            "email": gettext_lazy("Messages to the subject go here. Without an address they wait."),
            "language": gettext_lazy("A code such as en or es."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "entity_type" in self.fields:
            cast(forms.TypedChoiceField, self.fields["entity_type"]).choices = [
                ("", "–"),
                *[(kind.value, kind.label) for kind in SUBJECTS],
            ]


@admin.register(Contact)
class ContactAdmin(ConcealedAdmin[Contact], RecordedAdmin[Contact]):
    """Names and addresses stay out of the list: opening one contact is what the ledger can record.

    Who unmasks a contact may change it; an address finds its subject only for whom addresses are not masked.
    """

    form = ContactForm
    list_display = ("subject_id", "entity_type", "source", "language", "updated_at")
    list_filter = ("entity_type",)
    search_fields = ("subject_id", "email")
    search_help_text = gettext_lazy(
        "The subject's UUID or its first 8 characters or more; for whom nothing is masked also the whole e-mail address."
    )
    ordering = ("-id",)
    fields = ("entity_type", "subject_id", "name", "email", "language", "source", "event_at", "updated_at")
    readonly_fields = ("source", "event_at", "updated_at")
    open_fields = frozenset({"entity_type", "subject_id", "source", "event_at", "event_id"})
    personal = frozenset({"name", "email"})
    is_read_recorded = True

    def target(self, obj: Contact) -> Target:
        return unmasking.of_contact(obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        if "@" in search_term and not request.user.has_perm(SEE):
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def find(self, queryset: QuerySet[Contact], term: str) -> QuerySet[Contact]:
        if "@" in term:
            # As the index has it: email__iexact would compile to LIKE on SQLite.
            return queryset.alias(key=Upper("email")).filter(key=Upper(Value(term)))
        return queryset.filter(search.begins(term, "subject_id"), entity_type__in=SUBJECTS)

    def get_readonly_fields(self, request: HttpRequest, obj: Contact | None = None) -> tuple[str, ...]:
        # Whom a contact is of is what it is: another subject's contact is another row.
        return (*self.readonly_fields, "entity_type", "subject_id") if obj else self.readonly_fields

    def save_model(
        self, request: HttpRequest, obj: Contact, form: forms.ModelForm[Contact], change: bool
    ) -> None:
        obj.source = ContactSource.PERSON
        if obj.name or obj.email:
            # Whoever is entered again after an erasure is somebody who is kept.
            obj.erased_at = None
        super().save_model(request, obj, form, change)

    def announce(self, obj: Contact) -> None:
        contact_changed.send(Contact, contact=obj)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_contacts)
        return [path("import/", view, name="kyc_contact_import"), *super().get_urls()]

    def import_contacts(self, request: HttpRequest) -> HttpResponse:
        return contact_imports.page(self, request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "GET" and self.has_view_or_change_permission(request):
            # What was searched for is an address or an id: the entry tells that somebody looked, not for whom.
            record(cast(DeskRequest, request), "contact.listed", is_search=bool(request.GET.get(SEARCH_VAR)))
        may = self.has_add_permission(request) and self.has_change_permission(request)
        return super().changelist_view(request, {**(extra_context or {}), "may_import": may})


class ReasonCodeForm(forms.ModelForm[ReasonCode]):
    class Meta:
        widgets = {"code": OneLine(), "label": OneLine(), "category": OneLine()}

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if ReasonCode.objects.filter(digest=text_digest(code)).exists():
            raise ValidationError(gettext("This code is in the catalogue already."))
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("is_disclosable") and cleaned.get("is_suspicion"):
            self.add_error("is_disclosable", gettext("A suspicion is never told to the subject."))
        elif cleaned.get("is_disclosable") and not cleaned.get("subject_text"):
            self.add_error("subject_text", gettext("Write what the subject is told, in words for them."))
        return cleaned


@admin.register(ReasonCode)
class ReasonCodeAdmin(RecordedAdmin[ReasonCode]):
    form = ReasonCodeForm
    list_display = (
        text.short("code"),
        text.short("label"),
        text.short("category"),
        "is_disclosable",
        "is_suspicion",
    )
    list_filter = ("is_disclosable", "is_suspicion")
    search_fields = ("code", "label", "category")
    search_help_text = gettext_lazy("Any part of the code, its label or its category.")
    ordering = ("-id",)
    fields = (
        "code", "label", "category", "guidance", "is_suspicion", "is_disclosable", "subject_text", "subject_text_es",
        "told", "first_seen_at",
    )  # fmt: skip
    readonly_fields = ("told", "first_seen_at")
    open_fields = frozenset(
        {"code", "label", "category", "guidance", "subject_text", "subject_text_es", "first_seen_at"}
    )

    @admin.display(description=gettext_lazy("What a subject reads"))
    def told(self, code: ReasonCode) -> str:
        """Say what of the code comes into a message to a subject, in each language."""
        if code.is_suspicion:
            return gettext(
                "Nothing: a session with this code sends its subject no message until a supervisor releases it."
            )
        if not code.is_disclosable:
            return gettext("Nothing of it: the message gives no reason for this code.")
        words = (("English", code.subject_text), ("Español", code.subject_text_es))
        none = gettext("no reason is given")
        return format_html_join(mark_safe("<br>"), "{}: {}", ((name, said or none) for name, said in words))

    def save_model(
        self, request: HttpRequest, obj: ReasonCode, form: forms.ModelForm[ReasonCode], change: bool
    ) -> None:
        suspicions.note_change(obj)
        super().save_model(request, obj, form, change)

    def find(self, queryset: QuerySet[ReasonCode], term: str) -> QuerySet[ReasonCode]:
        return queryset.filter(
            Q(code__icontains=term) | Q(label__icontains=term) | Q(category__icontains=term)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: ReasonCode | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "code") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: ReasonCode | None = None) -> bool:
        return False
