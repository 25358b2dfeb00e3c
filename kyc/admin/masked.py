"""Pages of the admin that show personal data: masked for whom the desk masks it, with the way to unmask it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from kyc.admin.base import DeskAdmin
from kyc.desk.masking import SEE, Sight, conceal, sight
from kyc.desk.unmasking import Target


class MaskedAdmin[M: Model](DeskAdmin[M]):
    """A row that lies, with what is personal in it, in the places that `target` names.

    A list is not filtered by `personal` fields for whom they are masked: letter by letter, an address would tell them.
    """

    personal: ClassVar[frozenset[str]] = frozenset()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if lookup.partition("__")[0] in self.personal and not request.user.has_perm(SEE):
            return False
        return super().lookup_allowed(lookup, value, request)

    def target(self, obj: M) -> Target:
        raise NotImplementedError

    def sight(self, request: HttpRequest, obj: M) -> Sight:
        return sight(request, *self.target(obj).places)

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
            context |= {"sight": self.sight(request, obj), "unmask": self.target(obj)}
        return super().render_change_form(request, context, add, change, form_url, obj)


class ConcealedAdmin[M: Model](MaskedAdmin[M]):
    """A row that nobody changes while it is masked: no page of it then has what is personal in its hands."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M | None:
        obj = super().get_object(request, object_id, from_field)
        if obj is not None and self.sight(request, obj).is_masked:
            conceal([obj])  # type: ignore[list-item] # only of models that can be concealed
        return obj

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._sees(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._sees(request, obj)

    def _sees(self, request: HttpRequest, obj: M | None) -> bool:
        return obj is None or self.sight(request, obj).is_clear
