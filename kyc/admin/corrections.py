"""Pages on which an admin corrects facts of a session: every correction says why, and `kyc.review` makes it."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Model, TextField
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kyc import review
from kyc.admin.base import newest, signed_in
from kyc.admin.masked import MaskedAdmin
from kyc.admin.text import clip, whole
from kyc.desk import unmasking
from kyc.desk.masking import conceal
from kyc.desk.unmasking import Target
from kyc.exceptions import CorrectionOutdated, CorrectionRefused
from kyc.models import Check, Correction, Session, User
from kyc.review import CORRECTABLE, Change

# A browser sends a longer text back only at the cost of Django's limit on form data.
LONGEST_TYPED = 200_000


class AsSent(forms.CharField):
    """Text from the wire: browsers change its line ends, which is no correction."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "strip": False, "required": False})

    def to_python(self, value: Any) -> str:
        return _line_ends(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(_line_ends(initial or ""), data)


class CorrectionForm(forms.ModelForm[Any]):
    """The fields of one row that can be corrected, why, and which edition of the row the person saw."""

    correction_reason = forms.CharField(
        label=_("Reason for this correction"),
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text=_("Kept with the correction, for good."),
    )
    seen = forms.CharField(widget=forms.HiddenInput)

    by: User
    refused: CorrectionRefused | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "seen" in self.fields:
            self.fields["seen"].initial = self.edition

    @cached_property
    def session(self) -> Session:
        row = self.instance
        if isinstance(row, Session):
            return row
        return row.session if isinstance(row, Check) else row.kyc_check.session

    @cached_property
    def edition(self) -> str:
        return review.edition(self.session, self.instance)

    @property
    def changes(self) -> list[Change]:
        """Return what the person changed, as far as it is sound."""
        changed = [name for name in CORRECTABLE[type(self.instance)] if name in self.changed_data]
        return [
            Change(self.instance, name, self.cleaned_data[name])
            for name in changed
            if name in self.cleaned_data
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.refused or cleaned.get("seen") != self.edition:
            self._show_what_is_now()
            raise self.refused or CorrectionOutdated(review.OUTDATED)
        if not self.errors:
            review.allowed(
                self.session, by=self.by, changes=self.changes, reason=cleaned["correction_reason"]
            )
        return cleaned

    def _show_what_is_now(self) -> None:
        """Say beside each field what it holds now where that differs from what was typed; a second try may save."""
        self.data = {**cast(QueryDict, self.data).dict(), "seen": self.edition}
        for change in self.changes:
            now = clip(review.as_json(change.old), 200)
            words = gettext("This is now %(now)s. Saving again replaces it with what stands here.")
            self.add_error(change.field, words % {"now": now})

    def _post_clean(self) -> None:
        """Leave the instance as the person saw it: `review.correct` writes, not this form."""


class CorrectableAdmin[M: Model](MaskedAdmin[M]):
    """A row whose facts can be corrected by those who may, and only by a correction."""

    form = CorrectionForm
    change_form_template = "admin/kyc/correction_form.html"
    formfield_overrides = {TextField: {"form_class": AsSent, "widget": forms.Textarea(attrs={"rows": 2})}}
    is_read_recorded = True

    def target(self, obj: M) -> Target:
        return unmasking.of_session(review.session_id_of(cast(review.Row, obj)))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return request.user.has_perm("kyc.correct_session")

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def editable(self, request: HttpRequest, obj: M | None) -> set[str]:
        """Return the facts that this person may correct on this row."""
        if obj is None or not self.has_change_permission(request, obj):
            return set()
        names = CORRECTABLE[cast(type[review.Row], self.model)]
        return {name for name in names if len(str(getattr(obj, name))) <= LONGEST_TYPED}

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> list[Any]:
        may_be_edited = self.editable(request, obj)
        fieldsets: list[Any] = []
        for title, options in cast(list[Any], self.fieldsets):
            fields = [name if name in may_be_edited else self._shown(name) for name in options["fields"]]
            fieldsets.append((title, {**options, "fields": fields}))
        if may_be_edited:
            fieldsets.append((_("Correction"), {"fields": ["correction_reason", "seen"]}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> list[Any]:
        may_be_edited = {*self.editable(request, obj), "correction_reason", "seen"}
        return [
            item for item in flatten_fieldsets(self.get_fieldsets(request, obj)) if item not in may_be_edited
        ]

    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[M]]:
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user  # type: ignore[attr-defined]
        form.refused = getattr(request, "correction_refused", None)  # type: ignore[attr-defined]
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except CorrectionRefused as refused:
            # The row moved between the form's look at it and the lock: shown again, the form says so.
            cast(Any, request).correction_refused = refused
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        review.correct(
            form.session,
            by=signed_in(request),
            changes=form.changes,
            reason=form.cleaned_data["correction_reason"],
        )

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> HttpResponse:
        if obj:
            context |= self.beside(obj)
            if self.sight(request, obj).is_masked:
                conceal(context["corrections"].rows)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def beside(self, obj: M) -> dict[str, Any]:
        """Return what the page shows beside the form."""
        row = cast(review.Row, obj)
        session_id = review.session_id_of(row)
        made = Correction.objects.filter(session=session_id, **review.place(row)).select_related("by")
        return {"session_id": session_id, "corrections": newest(made.order_by("-id"))}

    def _shown(self, name: str) -> Any:
        """Return how a field is shown that is not edited: text of any length in a box of its own."""
        is_field = name in {field.name for field in self.opts.concrete_fields}
        field = self.opts.get_field(name) if is_field else None
        return whole(name) if isinstance(field, TextField) and not field.choices else name


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
