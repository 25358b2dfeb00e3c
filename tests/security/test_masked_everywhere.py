"""Who may not see personal data is shown none by any address, whichever row it is of and however it is asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.security.addresses import everything, furnish

pytestmark = [pytest.mark.django_db, pytest.mark.walk]

# What Ralio tells of a person; and what is in a body that nobody could read, or that was signed with another secret.
PERSONAL = {
    "inner value", "value", "contact", "another contact", "extra", "conflict", "record", "not JSON", "refused",
}  # fmt: skip
# What asks for more than a page shows by itself.
MORE = {"unmask": "1", "masked": "0", "raw": "1", "format": "json", "_popup": "1", "e": "1", "all": "1"}


def marked(where: str) -> str:
    return f"Qz-{where}-zQ, and more that nobody may read"


@pytest.mark.parametrize("role", ["auditor", "admin"])
def test_no_address_tells_who_may_not_see(role: str) -> None:
    furnish(UserFactory(role="officer"), marked)
    reader, told = signed_in(UserFactory(username="reader", role=role)), []
    for address in everything():
        for asked, headers in (({}, {}), (MORE, {"HX-Request": "true"})):
            answer: Any = reader.get(address.path, asked, headers=headers)
            text = b"".join(answer) if answer.streaming else answer.content
            told += [(address.name, where) for where in PERSONAL if marked(where).encode() in text]
    assert not set(told)


def test_an_officer_is_told_all_of_it_somewhere() -> None:
    """Else the walk above would prove nothing."""
    furnish(UserFactory(role="officer"), marked)
    reader = signed_in(UserFactory(username="reader", role="supervisor"))
    told = set()
    for address in everything():
        answer = reader.get(address.path)
        text = b"".join(answer) if answer.streaming else answer.content
        told |= {where for where in PERSONAL if marked(where).encode() in text}
    assert told >= PERSONAL - {"another contact", "not JSON", "record", "conflict"}
