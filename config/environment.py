"""Read settings from the environment, and name the one that is missing or wrong."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from email.utils import getaddresses
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from kyc import calendars

env = environ.Env()

# Longer spans reach out of the calendar when they are added to an instant.
MOST_DAYS = 36525
HOST = re.compile(r"\*|\.?[\w-]+(\.[\w-]+)*|\[[0-9a-fA-F:.]+\]", re.ASCII)


def required(name: str, *, development: str, debug: bool) -> str:
    """Return the value of `name`; outside debug its absence stops the start."""
    value: str = env.str(name, default="")
    if value.strip():
        return value
    if debug:
        return development
    raise ImproperlyConfigured(f"{name} is not set. It is required while DJANGO_DEBUG is false.")


def items(name: str, *, default: str = "") -> list[str]:
    """Return a comma-separated value's items, stripped; empty ones are dropped."""
    return [item.strip() for item in env.str(name, default=default).split(",") if item.strip()]


def whole(name: str, *, default: int, least: int = 0, most: int = 2**31 - 1) -> int:
    """Return a whole number from `least` to `most`; anything else stops the start."""
    raw = env.str(name, default=str(default))
    try:
        value = int(raw)
    except ValueError:
        value = least - 1
    if value < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}, not {raw!r}.")
    if value > most:
        raise ImproperlyConfigured(f"{name} must be at most {most}, not {raw!r}.")
    return value


def days(name: str, *, default: int) -> timedelta:
    """Return a number of days as a length of time, a century at most; anything else stops the start."""
    return timedelta(days=whole(name, default=default, most=MOST_DAYS))


def hours(name: str, *, default: int, least: int = 0) -> timedelta:
    """As `days`."""
    return timedelta(hours=whole(name, default=default, least=least, most=MOST_DAYS * 24))


def minutes(name: str, *, default: int, least: int = 0) -> timedelta:
    """As `days`."""
    return timedelta(minutes=whole(name, default=default, least=least, most=MOST_DAYS * 24 * 60))


def retention(name: str, *, legal_minimum: timedelta) -> timedelta | None:
    """Return how long one kind of data is kept, None where it stays; less than the legal minimum stops the start."""
    if env.str(name, default="none").strip() in {"", "none"}:
        return None
    length = days(name, default=0)
    if length < legal_minimum:
        raise ImproperlyConfigured(
            f"{name} must be at least KYC_LEGAL_MINIMUM_DAYS, which is {legal_minimum.days}, or none, not {length.days}."
        )
    return length


def time_of_day(name: str, *, default: str) -> time | None:
    """Return a time such as "08:00", or None for "none"; anything else stops the start."""
    raw: str = env.str(name, default=default).strip()
    if raw == "none":
        return None
    try:
        return datetime.strptime(raw, "%H:%M").time()  # noqa: DTZ007 - a time of any day, in no zone
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a time such as 08:00, or none, not {raw!r}.") from None


def some(name: str, *, among: Sequence[str]) -> frozenset[str]:
    """Return those of the words in `among` that are chosen, all where nothing is said; "none" is none of them."""
    raw: str = env.str(name, default=",".join(among)).strip()
    found = (
        frozenset() if raw == "none" else frozenset(word.strip() for word in raw.split(",") if word.strip())
    )
    unknown = sorted(found - frozenset(among))
    if unknown or not (found or raw == "none"):
        raise ImproperlyConfigured(
            f"{name} may name {', '.join(among)}, or none, not {unknown[0] if unknown else raw!r}."
        )
    return found


def flag(name: str, *, default: bool) -> bool:
    """Return a yes or no; a word that is neither stops the start."""
    raw = env.str(name, default=str(default)).strip().lower()
    if raw in {"true", "yes", "on", "1"}:
        return True
    # Not an empty one: it would switch off what is on unless somebody says otherwise.
    if raw in {"false", "no", "off", "0"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {raw!r}.")


def chosen(name: str, *, default: str, among: frozenset[str]) -> str:
    """Return one of the words in `among`; another one stops the start."""
    value: str = env.str(name, default=default).strip()
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(sorted(among))}, not {value!r}.")
    return value


def business_hours(name: str) -> str:
    """Return a week's working hours such as "Mon-Fri 09:00-17:30", or "" when none are set."""
    text: str = env.str(name, default="").strip()
    try:
        if text:
            calendars.week(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None
    return text


def holidays_of(name: str) -> str:
    """Return a country, or a part of one, whose holidays are known, such as "ES" or "GB-ENG"; or "" when none is set."""
    place: str = env.str(name, default="").strip()
    try:
        if place:
            calendars.holidays(place, datetime.now(UTC).year)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None
    return place


def web_addresses(name: str, *, default: str = "") -> list[str]:
    """Return addresses of the form https://host, without a slash at the end; anything else stops the start."""
    found = [item.rstrip("/") for item in items(name, default=default)]
    if default and len(found) != 1:
        raise ImproperlyConfigured(f"{name} must be one address.")
    for address in found:
        if not _is_web_address(address):
            raise ImproperlyConfigured(f"{name} must hold addresses that begin with https:// or http://.")
    return found


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # Reading the port tells whether it is one.
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def origins(name: str, *, default: str = "") -> list[str]:
    """Return addresses of the form https://host or https://host:port and nothing more; anything else stops the start."""
    found = web_addresses(name, default=default)
    for address in found:
        parts = urlsplit(address)
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            # The message must not repeat the address: what does not belong in it may be a secret.
            raise ImproperlyConfigured(f"{name} must hold nothing but https://host, or https://host:port.")
    return found


def hosts(name: str, *, default: str, debug: bool) -> list[str]:
    """Return names of hosts, without a port; what is none stops the start, as does none at all outside debug."""
    found = items(name, default=default)
    for host in found:
        if not HOST.fullmatch(host):
            raise ImproperlyConfigured(
                f"{name} must hold names of hosts such as desk.example.com, not {host!r}."
            )
    if not found and not debug:
        raise ImproperlyConfigured(f"{name} names no host: every request would be refused.")
    return found


def web_address(name: str) -> str:
    """Return one address such as https://host/path, without a slash at the end, or "" when none is set."""
    found = web_addresses(name)
    if len(found) > 1:
        raise ImproperlyConfigured(f"{name} must be one address.")
    address = found[0] if found else ""
    parts = urlsplit(address)
    if parts.query or parts.fragment or "@" in parts.netloc:
        # The message must not repeat the address: what does not belong in it may be a secret.
        raise ImproperlyConfigured(f"{name} must hold no user, question mark or number sign.")
    return address


def together(*names: str) -> None:
    """Stop the start when some of these are set and others are not."""
    missing = [name for name in names if not env.str(name, default="").strip()]
    if missing and len(missing) < len(names):
        raise ImproperlyConfigured(
            f"{' and '.join(missing)} must be set too: {', '.join(names)} belong together, all or none."
        )


def roles_of_groups(name: str, *, among: frozenset[str]) -> dict[str, str]:
    """Return which role each group stands for, from "group:role" items; a role that there is not stops the start."""
    found: dict[str, str] = {}
    for item in items(name):
        # A group's own name may hold a colon.
        group, _, role = (part.strip() for part in item.rpartition(":"))
        if not group or role not in among:
            raise ImproperlyConfigured(
                f"{name} must hold items such as kyc-officers:officer, with one of"
                f" {', '.join(sorted(among))}, not {item!r}."
            )
        if found.setdefault(group, role) != role:
            raise ImproperlyConfigured(f"{name} gives the group {group!r} two roles.")
    return found


def mail_addresses(name: str) -> list[str]:
    """Return e-mail addresses; what is none stops the start."""
    found = items(name)
    for position, address in enumerate(found, 1):
        try:
            validate_email(address)
        except ValidationError:
            raise ImproperlyConfigured(f"{name}: item {position} is not an e-mail address.") from None
    return found


def sender(name: str, *, default: str) -> str:
    """Return what mail is from: one address, with a name before it or not; anything else stops the start."""
    text: str = env.str(name, default=default).strip()
    found = getaddresses([text])
    try:
        (address,) = [address for _, address in found]
        validate_email(address)
        is_whole = text.isprintable() and (text == address or text.endswith(f"<{address}>"))
    except (ValueError, ValidationError):
        is_whole = False
    if not is_whole:
        raise ImproperlyConfigured(f"{name} must be one e-mail address, such as KYC Desk <desk@example.com>.")
    return text


def database(*, default: str) -> dict[str, Any]:
    """Return Django's DATABASES entry for DATABASE_URL: SQLite or PostgreSQL. One in memory would forget all."""
    known = {"django.db.backends.sqlite3", "django.db.backends.postgresql"}
    try:
        with warnings.catch_warnings(action="ignore"):
            parsed: dict[str, Any] = env.db_url_config(env.str("DATABASE_URL", default=default))
    except (ImproperlyConfigured, ValueError):
        parsed = {}
    if parsed.get("ENGINE") not in known or parsed.get("NAME") in {None, "", ":memory:"}:
        # The message must not repeat the URL, which holds a password.
        raise ImproperlyConfigured(
            "DATABASE_URL must be sqlite:///path or postgres://user:password@host:port/name."
        )
    return parsed


def mailer(url: str) -> dict[str, Any]:
    """Return Django's MAILERS entry for an e-mail URL such as smtp+tls://user:password@host:587."""
    try:
        parsed: dict[str, Any] = env.email_url_config(url)
    except (ImproperlyConfigured, ValueError):
        # The message would repeat the URL, which holds a password.
        raise ImproperlyConfigured("EMAIL_URL is not an e-mail URL that this desk knows.") from None
    options = {
        "host": parsed.get("EMAIL_HOST"),
        "port": parsed.get("EMAIL_PORT"),
        "username": parsed.get("EMAIL_HOST_USER"),
        "password": parsed.get("EMAIL_HOST_PASSWORD"),
        "use_tls": parsed.get("EMAIL_USE_TLS"),
        "use_ssl": parsed.get("EMAIL_USE_SSL"),
        # For each answer of the mail server; without one a stalled server would hold a worker for good.
        "timeout": 10,
        "file_path": parsed.get("EMAIL_FILE_PATH"),
    }
    backend = parsed["EMAIL_BACKEND"]
    kind = backend.rsplit(".", 2)[-2]
    if (kind == "smtp" and not options["host"]) or (kind == "filebased" and not options["file_path"]):
        raise ImproperlyConfigured("EMAIL_URL names no mail server, or no folder.")
    if backend == "django.core.mail.backends.smtp.EmailBackend":
        backend = "notifications.channels.smtp.EmailBackend"
    known = {
        "smtp": {"host", "port", "username", "password", "use_tls", "use_ssl", "timeout"},
        "filebased": {"file_path"},
    }
    wanted = known.get(kind, set())
    return {"BACKEND": backend, "OPTIONS": {k: v for k, v in options.items() if k in wanted and v}}
