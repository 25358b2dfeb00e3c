"""Events that are not KYC but come to the same endpoint. They look like it at times, and are never a session."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

# Account numbers that documentation prints everywhere: nobody's.
_SPANISH_IBAN, _GERMAN_IBAN, _BIC = "ES6621000418401234567891", "DE89370400440532013000", "COBADEFFXXX"

NAMES = (
    "account_activated",
    "payin_completed",
    "payin_failed",
    "payin_processing",
    "payout_completed",
    "transfer_completed",
    "transfer_state_updated",
    "viban_activated",
    "viban_deactivated",
    "viban_failed",
)


def data(rng: Random, name: str) -> dict[str, Any]:
    """Return believable `data` for an event of this name."""
    if name == "account_activated":
        return {"accountId": _id(rng)}
    if name == "transfer_state_updated":
        return {"transferId": _id(rng), "state": rng.choice(("COMPLETED", "REJECTED")), "error": None}
    if name.startswith("viban_"):
        return _viban(rng, name)
    return _payment(rng, name)


def _viban(rng: Random, name: str) -> dict[str, Any]:
    # A refused account number says REJECTED and mentions compliance, and is still no KYC session.
    status = {"viban_activated": "ACTIVE", "viban_deactivated": "INACTIVE", "viban_failed": "REJECTED"}[name]
    said = {"vibanId": _id(rng), "accountId": _id(rng), "rail": "SEPA", "status": status}
    if name == "viban_failed":
        return said | {
            "reason": {"code": "COMPLIANCE_REVIEW", "message": "Refused by the bank's compliance team."}
        }
    return said | {"iban": _GERMAN_IBAN, "bic": _BIC}


def _payment(rng: Random, name: str) -> dict[str, Any]:
    kind, status = name.split("_")
    amount = rng.randrange(500, 250_000)
    fee = amount // 40
    return {
        "status": status.upper(),
        f"{kind}Type": "bankPayin" if kind == "payin" else "bank",
        "orderId": _id(rng),
        "source": {"type": "bankAccount", "routingType": "IBAN", "accountNumber": _SPANISH_IBAN},
        "destination": {"type": "account", "creditedAccountId": _id(rng), "creditedUserId": _id(rng)},
        "amounts": {
            "receivedAmount": {"amount": amount, "currency": "EUR"},
            "fees": {"currency": "EUR", "total": fee},
            "creditedAmount": {"amount": amount - fee, "currency": "EUR"},
        },
    }


def _id(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))
