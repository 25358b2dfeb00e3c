"""The words that the played Ralio uses: what goes wrong with checks, and invented people and companies."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

DOCUMENT, FACE, MANUAL = "document-verification", "face-matching", "manual_review"
CHECK_TYPES = (DOCUMENT, FACE)


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that can be wrong, and the check that finds it. Codes without a category are the older, bare ones."""

    check: str
    type: str
    code: str
    category: str
    message: str
    weight: int


ISSUES = (
    Issue(FACE, "face-match", "LOW_CONFIDENCE", "", "Face matching confidence below threshold", 22),
    Issue(FACE, "face-match", "NO_MATCH", "", "Face does not match the document photo", 9),
    Issue(DOCUMENT, "document", "EXPIRED_DOCUMENT", "", "Document expired before the verification date", 15),
    Issue(
        DOCUMENT,
        "document",
        "KYC.DOC.DETERIORATED",
        "DOC",
        "Document deteriorated or illegible (stains, tears).",
        17,
    ),
    Issue(
        DOCUMENT, "document", "KYC.DOC.INCOMPLETE", "DOC", "Part of the document is outside the picture.", 11
    ),
    Issue(
        DOCUMENT, "document", "KYC.DOC.UNSUPPORTED", "DOC", "Document type not accepted for this country.", 6
    ),
    Issue(FACE, "face-match", "KYC.FACE.OBSCURED", "FACE", "Face partly covered.", 8),
    Issue(FACE, "liveness", "KYC.FACE.NOT_LIVE", "FACE", "No live person recognised before the camera.", 3),
    Issue(DOCUMENT, "identity", "KYC.ID.DUPLICATE", "ID", "Identity already used by another subject.", 5),
    Issue(
        DOCUMENT,
        "identity",
        "KYC.ID.DATA_MISMATCH",
        "ID",
        "Name or date of birth differs from the document.",
        4,
    ),
)

_FIRST_NAMES = [
    "Ada",
    "Aldo",
    "Amaia",
    "Bela",
    "Bruno",
    "Carme",
    "Celso",
    "Dalia",
    "Dario",
    "Edda",
    "Elio",
    "Fabia",
    "Goran",
    "Hanne",
    "Iker",
    "Ines",
    "Jonas",
    "Kaja",
    "Lena",
    "Livio",
    "Maren",
    "Milo",
    "Nadia",
    "Nils",
    "Oihana",
    "Otto",
    "Paula",
    "Remi",
    "Rosa",
    "Sanne",
    "Silvio",
    "Tilda",
    "Tomas",
    "Uma",
    "Vera",
    "Viggo",
    "Xenia",
    "Yannis",
    "Zita",
]
_LAST_NAMES = [
    "Abelló",
    "Bergström",
    "Castellane",
    "Dvorsky",
    "Eskelund",
    "Ferrandis",
    "Grimaldo",
    "Haverkamp",
    "Ibarzábal",
    "Jansson",
    "Kowalek",
    "Lindqvist",
    "Marchetto",
    "Novakova",
    "Okonjo",
    "Petridou",
    "Quintela",
    "Rosendahl",
    "Santángel",
    "Tavernier",
    "Urbanek",
    "Valderrey",
    "Wennström",
    "Zabaleta",
]
_PLACES = (
    ("Madrid", "Madrid", "28001", "ES"),
    ("Valencia", "Valencia", "46002", "ES"),
    ("Lyon", "Rhône", "69002", "FR"),
    ("Bologna", "Bologna", "40121", "IT"),
    ("Utrecht", "Utrecht", "3511", "NL"),
    ("Porto", "Porto", "4000-001", "PT"),
    ("Gdańsk", "Pomorskie", "80-001", "PL"),
    ("Malmö", "Skåne", "211 20", "SE"),
)
_STREETS = ("Harbour Street", "Mill Lane", "Station Road", "Orchard Way", "Lantern Square")
_COMPANIES = (
    ("Faro Azul Logistics", "S.L."),
    ("Nordlys Brygghus", "AB"),
    ("Olivar del Sur", "S.L."),
    ("Tessera Ceramiche", "S.r.l."),
    ("Halm & Zoon", "B.V."),
    ("Pontevedra Marine", "S.A."),
    ("Wisła Optics", "Sp. z o.o."),
    ("Atelier Cormoran", "SAS"),
)
_MAIL_DOMAINS = ("example.com", "example.net", "example.org")
_ROLES = ("UBO", "SHAREHOLDER", "AUTHORIZED_REPRESENTATIVE")
_DOCUMENTS = ("passport", "national-id", "driving-licence", "residence-permit")
_ASCII = str.maketrans("áéíóöåńøłł", "aeiooanoll")


def issues(rng: Random) -> list[Issue]:
    """Return what is wrong with one attempt: mostly one thing, now and then two or three."""
    n = rng.choices((1, 2, 3), (70, 24, 6))[0]
    chosen: dict[str, Issue] = {}
    for issue in rng.choices(ISSUES, [issue.weight for issue in ISSUES], k=n):
        chosen[issue.code] = issue
    return list(chosen.values())


def person(rng: Random) -> tuple[str, str, str]:
    """Return the first name, last name and e-mail address of somebody who does not exist."""
    first, last = rng.choice(_FIRST_NAMES), rng.choice(_LAST_NAMES)
    local = f"{first}.{last}".lower().translate(_ASCII)
    return first, last, f"{local}{rng.randrange(10, 100)}@{rng.choice(_MAIL_DOMAINS)}"


def company(rng: Random) -> dict[str, Any]:
    """Return Ralio's words for a business user; its id is a number."""
    return {"id": rng.randrange(1000, 9999), "name": " ".join(rng.choice(_COMPANIES))}


def related_party(rng: Random, subject_id: str) -> dict[str, Any]:
    """Return Ralio's words for a person behind a business."""
    first, last, email = person(rng)
    city, province, post_code, country = rng.choice(_PLACES)
    party: dict[str, Any] = {
        "id": subject_id,
        "roleType": rng.choice(_ROLES),
        "firstName": first,
        "lastName": last,
        "email": email,
        "nationality": country,
        "residentialAddress": {
            "addressLine1": f"{rng.randrange(1, 140)} {rng.choice(_STREETS)}",
            "city": city,
            "provinceState": province,
            "postalCode": post_code,
            "country": country,
        },
        "status": "KYC_PENDING",
    }
    if rng.random() < 0.7:
        party["phoneNumber"] = f"+44770090{rng.randrange(10_000):04d}"
    if party["roleType"] != "AUTHORIZED_REPRESENTATIVE":
        party["ownershipPercentage"] = rng.choice((10, 12.5, 25, 30, 33.33, 50, 100))
    return party


def findings(rng: Random, check: str, *, is_refused: bool) -> dict[str, Any]:
    """Return what a check measured."""
    if check == FACE:
        confidence = rng.uniform(0.32, 0.79) if is_refused else rng.uniform(0.83, 0.99)
        return {"confidence": round(confidence, 2), "threshold": 0.8}
    if check == DOCUMENT:
        return {
            "documentType": rng.choice(_DOCUMENTS),
            "issuingCountry": rng.choice(_PLACES)[3],
            "quality": round(rng.uniform(0.2, 0.6) if is_refused else rng.uniform(0.7, 1.0), 2),
        }
    return {}
