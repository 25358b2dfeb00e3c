"""A disk of a fixed size that can be filled, seen by nobody but this process and its children."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MS_REC, _MS_PRIVATE = 1 << 14, 1 << 18
_MIB = 1024 * 1024


class NoDisk(Exception):
    """This machine gives us no disk of our own, and why."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system in memory. What fills it is one file, `ballast`."""

    folder: Path

    @property
    def ballast(self) -> Path:
        return self.folder / "ballast"

    @property
    def n_free(self) -> int:
        return shutil.disk_usage(self.folder).free

    def fill(self) -> None:
        """Grow the ballast until not a byte is free. Call it again for what was freed meanwhile."""
        with self.ballast.open("ab", buffering=0) as file:
            for size in (_MIB, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"\0" * size) == size:
                        pass

    def relieve(self) -> None:
        self.ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(n_mebibytes: int) -> Iterator[Disk]:
    """Mount a file system of this size while the block runs. Raises NoDisk where that is not allowed.

    The mount lives in a namespace of this process, and ends with it however it ends. Call it before any thread starts:
    the namespace is the calling thread's.
    """
    _leave_the_others()
    folder = tempfile.mkdtemp(prefix="kyc-disk-")
    try:
        _mount(b"tmpfs", folder, b"tmpfs", 0, f"size={n_mebibytes}m,mode=777".encode())
        yield Disk(Path(folder))
        _unmount(folder)
    finally:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _leave_the_others() -> None:
    """Enter a namespace where we may mount: root's way, or that of a plain user where the kernel lets them."""
    unshare = getattr(os, "unshare", None)
    if unshare is None:
        raise NoDisk("this system has no mount namespaces")
    uid, gid = os.getuid(), os.getgid()
    try:
        if uid == 0:
            unshare(os.CLONE_NEWNS)
        else:
            unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    except OSError as error:
        raise NoDisk(f"a mount namespace of our own is refused ({error.strerror})") from None
    # Nothing that is mounted here is to be seen outside.
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE, None)


def _mount(source: bytes | None, target: str, kind: bytes | None, flags: int, options: bytes | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    flags_type = ctypes.c_ulong
    if libc.mount(source, target.encode(), kind, flags_type(flags), options):
        raise NoDisk(f"mounting is refused ({os.strerror(ctypes.get_errno())})")


def _unmount(target: str) -> None:
    # MNT_DETACH: whoever still has a file open there does not keep it.
    ctypes.CDLL(None).umount2(target.encode(), 2)
