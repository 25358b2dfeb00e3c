"""Rows that people edit, each edit on the ledger's system chain."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest

from kyc import ledger
from kyc.admin.base import DeskAdmin, signed_in
from kyc.review import digest


class RecordedAdmin[M: Model](DeskAdmin[M]):
    """What is added, changed or deleted here is in the ledger by field: open fields as they are, others as digests."""

    open_fields: frozenset[str] = frozenset()

    def announce(self, obj: M) -> None:
        """Tell whoever listens of a row added or changed; inside the transaction, before the ledger is locked."""

    def save_model(self, request: HttpRequest, obj: M, form: ModelForm[M], change: bool) -> None:
        before = self.model._default_manager.select_for_update().get(pk=obj.pk) if change else None
        super().save_model(request, obj, form, change)
        self.announce(obj)
        self._record(request, obj, "changed" if change else "added", before=before, after=obj)

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        name = str(obj.pk)
        super().delete_model(request, obj)
        obj.pk = name
        self._record(request, obj, "deleted", before=obj, after=None)

    def _record(self, request: HttpRequest, obj: M, act: str, *, before: M | None, after: M | None) -> None:
        name = str(self.opts.model_name)
        old, new = self._told(before), self._told(after)
        changed = sorted(field for field in old | new if old.get(field) != new.get(field))
        ledger.append(
            ledger.SYSTEM,
            f"{name}.{act}",
            actor=signed_in(request),
            **{name: str(obj.pk)},
            before={field: old[field] for field in changed if field in old},
            after={field: new[field] for field in changed if field in new},
        )

    def _told(self, obj: M | None) -> dict[str, ledger.Detail]:
        """Return what the ledger may hold of a row's fields."""
        if obj is None:
            return {}
        kept = [field for field in self.opts.concrete_fields if not field.primary_key and field.editable]
        return {field.name: self._tell(field.name, field.value_from_object(obj)) for field in kept}

    def _tell(self, name: str, value: Any) -> ledger.Detail:
        if isinstance(value, bool) or value is None:
            return value
        return str(value) if name in self.open_fields else digest(str(value))
