"""Whole hostile bodies, each signed as Ralio would."""

from __future__ import annotations

import pytest

from tests.hostile import promises
from tests.hostile.bodies import BODIES, Body

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("body", [pytest.param(body, id=body.name) for body in BODIES])
def test_it_is_answered_and_kept_as_promised(body: Body) -> None:
    promises.leaves_no_trace_behind(promises.posted(body.make(), body.kept))
