"""Plays Ralio: believable lives of sessions, as the signed deliveries that the real one would post.

`lives` decides what happens to whom and when, `wire` writes it in any generation, `player` posts it. Nothing here is
about a real person: names are invented, addresses and telephone numbers are from ranges reserved for examples.
"""

from __future__ import annotations

from kyc.ralio.simulator.lives import KINDS, Ralio
from kyc.ralio.simulator.player import Player, Tally, disturbed
from kyc.ralio.simulator.wire import GENERATIONS, Event

__all__ = ["GENERATIONS", "KINDS", "Event", "Player", "Ralio", "Tally", "disturbed"]
