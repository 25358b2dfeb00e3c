"""Repeat a field's choices in the database, where no door can pass them by."""

from __future__ import annotations

from django.db.models import CheckConstraint, Q, TextChoices


def holds(field: str, choices: type[TextChoices], name: str) -> CheckConstraint:
    """Return the constraint that `field` holds one of `choices` (or NULL where the column may)."""
    return CheckConstraint(condition=Q(**{f"{field}__in": choices.values}), name=name)
