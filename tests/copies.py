"""Let one process of a run migrate a database, and give each a copy: to migrate takes seconds of a processor."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from tests import logged

MIGRATED = "migrated.sqlite3"


def teach(connection: BaseDatabaseWrapper) -> None:
    """Make `create_test_db` on this connection copy what the run's first process has migrated."""
    from django.contrib.contenttypes.models import ContentType

    creation, test = connection.creation, connection.settings_dict["TEST"]
    create, name, migrated = creation.create_test_db, test["NAME"], _migrated(connection)

    def create_test_db(**options: Any) -> str:
        with _one_at_a_time():
            if not _exists(connection, migrated):
                # Under another name until it is whole.
                test["NAME"] = _beside(connection, "migrating")
                create(**options)
                _close(connection)
                _rename(connection, test["NAME"], migrated)
                test["NAME"] = name
            _copy(connection, migrated, name)
        settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = name
        # Whoever migrates knows them, and pages then ask once less.
        ContentType.objects.clear_cache()
        ContentType.objects.get_for_models(*apps.get_models())
        return str(name)

    creation.create_test_db = create_test_db  # type: ignore[method-assign]


def forget(connection: BaseDatabaseWrapper) -> None:
    """Drop what was copied, where it would stay: another process that still wants it migrates one for itself."""
    if connection.vendor == "postgresql":
        with _one_at_a_time():
            _ask(connection, f'DROP DATABASE IF EXISTS "{_migrated(connection)}"')


def migrated_file() -> Path | None:
    """Return a migrated SQLite file that nobody uses, to be copied; None when this run has none."""
    folder = os.environ.get("DATABASE_URL", "").removeprefix("sqlite:///").rpartition("/")[0]
    file = Path(folder, MIGRATED)
    return file if folder and file.exists() else None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    # The folder is one for all processes of a run.
    with Path(os.environ[logged.FOLDER], "migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrated(connection: BaseDatabaseWrapper) -> str:
    return _beside(connection, "migrated")


def _beside(connection: BaseDatabaseWrapper, word: str) -> str:
    """Return a name like that of this process's own database, and the same in every process of the run."""
    name = str(connection.settings_dict["TEST"]["NAME"])
    if connection.vendor == "sqlite":
        return str(Path(name).with_name(f"{word}.sqlite3"))
    return f"{name.rpartition('_')[0]}_{word}"


def _exists(connection: BaseDatabaseWrapper, name: str) -> bool:
    if connection.vendor == "sqlite":
        return Path(name).exists()
    return bool(_ask(connection, "SELECT 1 FROM pg_database WHERE datname = %s", [name]))


def _rename(connection: BaseDatabaseWrapper, old: str, new: str) -> None:
    if connection.vendor == "sqlite":
        Path(old).rename(new)
    else:
        _ask(connection, f'ALTER DATABASE "{old}" RENAME TO "{new}"')


def _copy(connection: BaseDatabaseWrapper, source: str, name: str) -> None:
    if connection.vendor == "sqlite":
        shutil.copyfile(source, name)
    else:
        _ask(connection, f'CREATE DATABASE "{name}" TEMPLATE "{source}"')


def _close(connection: BaseDatabaseWrapper) -> None:
    """Leave the database, so that its file is whole and PostgreSQL lets it be copied."""
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()


def _ask(connection: BaseDatabaseWrapper, sql: str, values: list[str] | None = None) -> list[tuple[Any, ...]]:
    """Run a statement outside of any of the tests' databases."""
    with connection.creation._nodb_cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []
