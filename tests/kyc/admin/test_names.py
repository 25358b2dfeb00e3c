"""What the admin calls things: each model, field and permission of ours has a name that can be translated."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.utils.functional import Promise

from kyc.admin import names

OURS = [model for model in admin.site._registry if model._meta.app_label in ("kyc", "notifications")]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_a_model_and_its_fields_have_names_to_translate(model: type[Model]) -> None:
    named = [(field.name, field.verbose_name) for field in model._meta.fields if not field.primary_key]
    assert [name for name, words in named if not isinstance(words, Promise)] == []
    assert isinstance(model._meta.verbose_name, Promise)
    assert isinstance(model._meta.verbose_name_plural, Promise)


def test_the_english_names_are_those_that_django_makes(db: None) -> None:
    said = {words: str(name) for words, name in names.FIELDS.items()}
    for_programs = {words for words in said if words.startswith("n ") or words.endswith("id")}
    assert {words: name for words, name in said.items() if name != words} == {
        words: name for words, name in said.items() if words in for_programs
    }
    assert {said[words] for words in for_programs if words.endswith("id")} == {
        f"{words[:-2]}ID" for words in for_programs if words.endswith("id")
    }
    assert not any(said[words].startswith("n ") for words in for_programs)
    assert {words: str(said) for words, (said, _) in names.MODELS.items()} == {n: n for n in names.MODELS}


def test_a_permission_is_called_what_it_is_called_in_the_database(db: None) -> None:
    ours = Permission.objects.filter(content_type__app_label__in=("kyc", "notifications", "auth"))
    found = {names.of_permission(permission): permission.name for permission in ours}
    assert len(found) > 20
    assert {said: name for said, name in found.items() if said != name} == {}


def test_each_permission_of_our_own_can_be_translated(db: None) -> None:
    own = {codename for model in OURS for codename, _ in model._meta.permissions}
    assert own == set(names.PERMISSIONS)
