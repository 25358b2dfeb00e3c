"""A QR code as a path of an SVG in the page: the content policy lets no other picture of a secret be shown."""

from __future__ import annotations

from dataclasses import dataclass

import qrcode  # type: ignore[import-untyped]

# The white edge that readers need, in modules.
EDGE = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """So many units wide and high, and the dark ones of them as the `d` of a path."""

    size: int
    path: str


def picture(text: str) -> Picture:
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=EDGE)
    code.add_data(text)
    rows = code.get_matrix()
    dark = [(x, y) for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark]
    return Picture(len(rows), "".join(f"M{x} {y}h1v1h-1z" for x, y in dark))
