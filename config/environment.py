"""Read settings from the environment, and name the one that is missing or wrong."""

from __future__ import annotations

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


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


def whole(name: str, *, default: int, least: int = 0) -> int:
    """Return a whole number that is at least `least`; anything else stops the start."""
    raw = env.str(name, default=str(default))
    try:
        value = int(raw)
    except ValueError:
        value = least - 1
    if value < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}, not {raw!r}.")
    return value


def flag(name: str, *, default: bool) -> bool:
    """Return a yes or no; a word that is neither stops the start."""
    raw = env.str(name, default=str(default)).strip().lower()
    if raw in {"true", "yes", "on", "1"}:
        return True
    if raw in {"false", "no", "off", "0", ""}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {raw!r}.")


def chosen(name: str, *, default: str, among: frozenset[str]) -> str:
    """Return one of the words in `among`; another one stops the start."""
    value: str = env.str(name, default=default).strip()
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(sorted(among))}, not {value!r}.")
    return value


def mailer(url: str) -> dict[str, Any]:
    """Return Django's MAILERS entry for an e-mail URL such as smtp+tls://user:password@host:587."""
    try:
        parsed: dict[str, Any] = env.email_url_config(url)
    except ImproperlyConfigured:
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
    known = {
        "smtp": {"host", "port", "username", "password", "use_tls", "use_ssl", "timeout"},
        "filebased": {"file_path"},
    }
    wanted = known.get(backend.rsplit(".", 2)[-2], set())
    return {"BACKEND": backend, "OPTIONS": {k: v for k, v in options.items() if k in wanted and v}}
