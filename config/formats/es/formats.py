"""How Django writes dates and times in Spanish where no template says it: to the second, with the zone."""

from __future__ import annotations

DATE_FORMAT = "j b Y"
DATETIME_FORMAT = "j b Y, H:i:s T"
SHORT_DATETIME_FORMAT = "d/m/Y H:i T"
TIME_FORMAT = "H:i:s"
