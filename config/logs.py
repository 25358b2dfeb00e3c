"""How the log's lines look: JSON in production, text in development, and never the words of an error.

An error's own text may hold a row or what a person typed, so that a line says of an error its kind and its place.
"""

from __future__ import annotations

import logging
import logging.config
import os
import re
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from django.conf import settings
from structlog.typing import EventDict, WrappedLogger

from kyc import origins, tracing

ROOT = f"{Path(__file__).resolve().parent.parent}/"
FORMATS: frozenset[str] = frozenset({"json", "console"})
# What every line begins with, in this order.
FIRST = ("at", "level", "logger", "message")
# What these would tell at their lowest levels is rows, letters and addresses with what was asked.
QUIET = {
    "django.db.backends": "INFO",
    "httpx": "WARNING",
    "httpcore": "WARNING",
    "urllib3": "INFO",
    "fontTools": "WARNING",
    "weasyprint": "ERROR",
}
# What was searched for is nobody's business but the searcher's.
_QUERY = re.compile(r"\?[^\s\"']+")
# A line break would make two lines of one, and the rest could repaint a terminal.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}

logger = logging.getLogger(__name__)


def settings_for(level: str, form: str) -> dict[str, Any]:
    """Return Django's LOGGING: one handler, to standard error, for all loggers. `level` is that of libraries."""
    own = {name: {"level": "INFO"} for name in ("config", "kyc", "notifications")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "config.logs.formatter", "form": form}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            **own,
            **{name: {"level": least} for name, least in QUIET.items()},
            # Django's own handlers would write each line twice, and mail it.
            "django": {"handlers": []},
            # Not a line for each 4xx: what the webhook refuses is kept, and a flood must not fill the disk by way of the log.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            "_granian": {"handlers": [], "propagate": True},
            "granian.access": {"handlers": [], "propagate": True},
        },
    }


def configure(wanted: dict[str, Any]) -> None:
    """Set the log up, and in production let a crash be told as any other error: a bare traceback has its text."""
    logging.config.dictConfig(wanted)
    if not settings.DEBUG:
        logging.captureWarnings(True)
        sys.excepthook = _crashed
        threading.excepthook = _thread_crashed


def formatter(form: str = "json") -> logging.Formatter:
    """Return the formatter of one of FORMATS."""
    renderer: Any = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), event_key="message", timestamp_key="at"
        )
    return Lines(
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.EventRenamer("message"),
            _told,
            renderer,
        ],
    )


class Lines(structlog.stdlib.ProcessorFormatter):
    """structlog's formatter, for which an error among a line's values is its kind."""

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.args, tuple) and any(isinstance(each, BaseException) for each in record.args):
            record = logging.makeLogRecord(record.__dict__)
            record.args = tuple(
                kind(each) if isinstance(each, BaseException) else each for each in record.args or ()
            )
        return super().format(record)


def kind(error: BaseException) -> str:
    """Return the kind of an error and of what caused it, such as "IntegrityError of UniqueViolation"."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " of ".join(type(each).__name__ for each in (error, cause) if each)


def places(error: BaseException) -> list[str]:
    """Return the way to an error, outermost first, such as "kyc/ingestion.py:97 in receive"."""
    return [
        f"{_short(frame.filename)}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]


def _told(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put what a line says in order: what every line has, what it is about, and an error's kind and place."""
    error = _error(event.pop("exc_info", None))
    event.pop("stack_info", None)
    event["message"] = _words(str(event["message"]), error)
    told: EventDict = {name: event.pop(name) for name in FIRST}
    told["process"] = os.getpid()
    if request_id := origins.present().request_id:
        told["request_id"] = request_id
    told.update({name: _plain(value) for name, value in {**tracing.ids(), **event}.items()})
    if error is not None:
        told["error"] = kind(error)
        told["places"] = places(error)
    return told


def _words(message: str, error: BaseException | None) -> str:
    """Return a line's message without what an error says and what was asked for, on one line."""
    # Django logs a suspicious request by the error's text alone, which is what somebody typed.
    if error is not None and str(error):
        message = message.replace(str(error), kind(error))
    return _QUERY.sub("?…", message).translate(_CONTROLS)


def _plain(value: object) -> object:
    return value if isinstance(value, int) else str(value)


def _error(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    found = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1] if exc_info else None
    return found if isinstance(found, BaseException) else None


def _short(filename: str) -> str:
    return filename.removeprefix(ROOT).rpartition("site-packages/")[2]


def _crashed(
    kind_of_error: type[BaseException], error: BaseException, trace: TracebackType | None, /
) -> None:
    if issubclass(kind_of_error, KeyboardInterrupt):
        sys.__excepthook__(kind_of_error, error, trace)
        return
    logger.critical("An error ended this process.", exc_info=(kind_of_error, error, trace))


def _thread_crashed(crash: threading.ExceptHookArgs, /) -> None:
    name = crash.thread.name if crash.thread else "A thread"
    logger.critical("An error ended the thread %s.", name, exc_info=crash.exc_value)
