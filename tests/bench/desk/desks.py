"""The databases under measure, each with a signed-in client: requests run in this process, one database at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.utils import timezone
from psycopg.conninfo import conninfo_to_dict

from kyc.desk.asking import Asked
from kyc.desk.cursors import AFTER, link
from kyc.desk.paging import SIZE
from kyc.models import User
from tests.bench.desk import shape

type Request = Callable[[Client], HttpResponse]


@dataclass(slots=True)
class Desk:
    """One database. `now` is when it was opened: all that depends on the time is asked as of then."""

    size: shape.Size
    connection: BaseDatabaseWrapper
    client: Client = field(default_factory=lambda: Client(SERVER_NAME="localhost"))
    now: datetime = field(default_factory=timezone.now)

    @classmethod
    def open(cls, server: str, size: shape.Size) -> Desk:
        desk = cls(size, connect(server, size.database))
        desk.use()
        desk.client.force_login(desk.me)
        return desk

    @property
    def me(self) -> User:
        return User.objects.get(username=shape.ME)

    def use(self) -> None:
        """Let everything in this process speak to this database."""
        connections["default"] = self.connection

    def deep(self, query: str, number: int) -> str:
        """Return the query of that page, or of the last full one: beyond a row that is found by counting, once."""
        sessions, keys = Asked.of(query, self.me).found(self.now)
        pages = min(number, sessions.count() // SIZE)
        row = sessions.order_by(*keys)[(pages - 1) * SIZE - 1]
        return link(QueryDict(query), AFTER, row, keys)

    def timed(self, request: Request) -> float:
        """Return the milliseconds that a whole request takes."""
        self.use()
        began = time.perf_counter()
        request(self.client)
        return (time.perf_counter() - began) * 1000

    def tried(self, request: Request) -> tuple[HttpResponse, int]:
        """Return the answer to a request, and how many statements it took."""
        statements: list[str] = []

        def note(execute: Any, sql: str, *rest: Any) -> Any:
            statements.append(sql)
            return execute(sql, *rest)

        self.use()
        with connection.execute_wrapper(note):
            answer = request(self.client)
        return answer, len(statements)


def connect(server: str, name: str) -> BaseDatabaseWrapper:
    """Return a connection for the default alias to a database of the server."""
    place = conninfo_to_dict(server)
    wrapper = connections.create_connection("default")
    wrapper.settings_dict = {
        **settings.DATABASES["default"],
        **{key.upper(): str(place[key]) for key in ("host", "port", "user", "password")},
        "NAME": name,
    }
    return wrapper
