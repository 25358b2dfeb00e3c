"""A second officer, for whatever takes two."""

from __future__ import annotations

import pytest

from kyc.models import User
from tests.factories import UserFactory


@pytest.fixture
def other(db: None) -> User:
    return UserFactory(username="other", role="officer")
