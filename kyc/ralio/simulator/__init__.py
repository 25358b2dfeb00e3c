"""Plays Ralio: believable lives of sessions, as the signed deliveries that the real one would post.

`lives` decides what happens to whom and when, `wire` writes it in any generation, `hostile` and `forged` add what no
Ralio would post, `stream` puts them in order, `player` posts them, and `journal` keeps what came back. Nothing here is
about a real person: names are invented, addresses and telephone numbers are from ranges reserved for examples.
"""

from __future__ import annotations

from kyc.ralio.simulator.forged import Forger
from kyc.ralio.simulator.hostile import Hostile
from kyc.ralio.simulator.journal import Journal
from kyc.ralio.simulator.lives import KINDS, Ralio
from kyc.ralio.simulator.player import Player
from kyc.ralio.simulator.stream import disturbed, mixed
from kyc.ralio.simulator.tally import Tally
from kyc.ralio.simulator.wire import GENERATIONS, Event

__all__ = [
    "GENERATIONS",
    "KINDS",
    "Event",
    "Forger",
    "Hostile",
    "Journal",
    "Player",
    "Ralio",
    "Tally",
    "disturbed",
    "mixed",
]
