"""What reason codes mean, and what a subject may be told of them, is said here and recorded."""

from __future__ import annotations

import pytest
from django.test import Client

from kyc.models import ReasonCode, User
from tests.factories import ReasonCodeFactory
from tests.kyc.admin.conftest import form_of, told, url


def test_what_a_code_means_is_on_record(admin_client: Client) -> None:
    code = ReasonCodeFactory(code="GLARE")
    posted = form_of(admin_client, url(code), is_disclosable="on", subject_text="The picture was too bright.")
    assert admin_client.post(url(code), posted).status_code == 302
    said = told("reasoncode.changed")

    assert said["after"] == {"is_disclosable": True, "subject_text": "The picture was too bright."}
    assert ReasonCode.objects.get().is_disclosable


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        (
            {"is_disclosable": "on", "is_suspicion": "on", "subject_text": "x"},
            "A suspicion is never told to the subject.",
        ),
        ({"is_disclosable": "on"}, "Write what the subject is told, in words for them."),
    ],
)
def test_a_suspicion_or_a_bare_code_is_never_told(
    admin_client: Client, typed: dict[str, str], error: str
) -> None:
    code = ReasonCodeFactory()
    answer = admin_client.post(url(code), form_of(admin_client, url(code), **typed))

    assert list(answer.context["errors"]) == [[error]]
    assert not ReasonCode.objects.get().is_disclosable


def test_a_code_is_listed_once_and_never_renamed_or_deleted(admin_client: Client, admin: User) -> None:
    code = ReasonCodeFactory(code="GLARE")
    answer = admin_client.post(url("kyc.reasoncode", "add"), {"code": "GLARE"})
    assert "This code is in the catalogue already." in answer.content.decode()

    admin_client.post(url(code), form_of(admin_client, url(code)) | {"code": "OTHER"})
    assert admin_client.post(url(code, "delete"), {"post": "yes"}).status_code == 403
    assert list(ReasonCode.objects.values_list("code", flat=True)) == ["GLARE"]


def test_it_says_what_a_subject_reads_in_each_language(admin_client: Client) -> None:
    told_code = ReasonCodeFactory(code="TORN", is_disclosable=True, subject_text="It is <torn>.")
    posted = form_of(admin_client, url(told_code), subject_text_es="Está roto.")
    assert admin_client.post(url(told_code), posted).status_code == 302
    page = admin_client.get(url(told_code)).content.decode()

    assert "English: It is &lt;torn&gt;.<br>Español: Está roto." in page
    assert told("reasoncode.changed")["after"] == {"subject_text_es": "Está roto."}
    assert "Nothing of it" in admin_client.get(url(ReasonCodeFactory(code="SILENT"))).content.decode()
    suspicion = ReasonCodeFactory(code="FRAUD", is_suspicion=True)
    assert "no message until a supervisor releases it" in admin_client.get(url(suspicion)).content.decode()
