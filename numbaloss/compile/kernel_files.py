"""Kernel files on disk: where they lie, how one is written and checked, how much room they take.

Nothing here raises for the state of the disk. A file is taken only if it is whole and was written for the
very key asked for; whatever else is found counts in `statistics` and is as good as absent.

Environment variables: ``NUMBALOSS_CACHE=0`` turns the files off, ``NUMBALOSS_CACHE_DIR`` says where they lie,
``NUMBALOSS_CACHE_LIMIT`` (MiB, default 512) bounds their size.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import struct
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"numbaloss kernel 1\n"
SUFFIX = ".nlk"
TEMPORARY = ".nlk-tmp"
DEFAULT_LIMIT_MIB = 512.0
OFF = {"0", "off", "false", "no"}
_LENGTHS = struct.Struct("<QQ")
_DIGEST_SIZE = hashlib.sha256().digest_size
_HOUR = 3600.0


@dataclass
class Statistics:
    """What the cache did in this process, for ``numbaloss doctor``."""

    hits: int = 0
    misses: int = 0
    stores: int = 0
    failures: int = 0
    last_problem: str | None = None

    def problem(self, doing: str, error: BaseException | str) -> None:
        """Count one failure; the cache goes on without the file concerned."""
        what = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self.failures += 1
        self.last_problem = f"{doing}: {what}"


statistics = Statistics()
_touched: set[Path] = set()  # files whose use this process has recorded
_unmeasured = float("inf")  # bytes written since the folder was last measured; at first nobody knows


# --- where the files lie


def switched_on() -> bool:
    """Whether ``NUMBALOSS_CACHE`` lets kernels be stored and loaded."""
    return os.environ.get("NUMBALOSS_CACHE", "").strip().lower() not in OFF


def folder() -> Path | None:
    """The folder new kernels are written to; None when the cache is off or no folder can be written."""
    return next((place for place in folders() if os.access(place, os.W_OK | os.X_OK)), None)


def folders() -> list[Path]:
    """The folders kernels are looked for in, best first; a read-only one still serves what it holds."""
    if not switched_on():
        return []
    named = os.environ.get("NUMBALOSS_CACHE_DIR")
    if named:  # the user vouches for a folder named outright, shared or not
        place = Path(os.path.expanduser(named))
        return [place] if _made(place) else []
    return [place for place in (_user_folder(), _temporary_folder()) if place is not None]


def _made(place: Path, mode: int = 0o777) -> bool:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(mode=mode, exist_ok=True)
    except OSError as error:
        statistics.problem(f"making {place}", error)
        return False
    return True


def _user_folder() -> Path | None:
    """The platform's cache folder, unless others could put files there: unpickling runs what a file says."""
    import platformdirs

    try:
        place = Path(platformdirs.user_cache_dir("numbaloss", appauthor=False))
        if not place.is_absolute() or not _made(place, mode=0o700):  # relative: no home was found
            return None
        if hasattr(os, "geteuid"):
            facts = place.stat()
            if facts.st_uid not in (os.geteuid(), 0) or facts.st_mode & stat.S_IWOTH:
                statistics.problem(f"using {place}", "someone else owns it, or everyone may write to it")
                return None
    except (OSError, RuntimeError, KeyError) as error:
        statistics.problem("finding the user's cache folder", error)
        return None
    return place


def _temporary_folder() -> Path | None:
    """Where no home can be written (containers, services): a folder in the temporary directory.

    Anyone may create a folder of this name there first, with files that unpickle into their code. Hence
    only a real folder of our own user, closed to everybody else, is used; without user ids (Windows) none.
    """
    if not hasattr(os, "geteuid"):
        return None
    try:
        place = Path(tempfile.gettempdir()) / f"numbaloss-{os.geteuid()}"
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o700)
        facts = place.lstat()
    except OSError as error:
        statistics.problem("finding a temporary cache folder", error)
        return None
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        statistics.problem(f"using {place}", "not a private folder of this user")
        return None
    return place


# --- one file


def find(name: str, key: str) -> bytes | None:
    """The payload stored under `key` in the file `name` of any folder, or None."""
    for place in folders():
        path = place / name
        try:
            payload = unpacked(path.read_bytes(), key)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            statistics.problem(f"reading {path}", error)
            continue
        _touch(path)
        return payload
    return None


def put(name: str, key: str, payload: bytes) -> bool:
    """Store `payload` under `key`; False, with the reason in `statistics`, where it cannot be stored."""
    place = folder()
    if place is None:
        if switched_on():
            statistics.problem("writing a kernel", "no folder can be written")
        return False
    content = packed(key, payload)
    # A name of its own and a rename: a reader sees the old file, the new one or none, never a part of one.
    temporary = place / f"{os.getpid()}-{secrets.token_hex(8)}{TEMPORARY}"
    try:
        with open(
            temporary, "xb"
        ) as file:  # readable as the umask says: root may warm up an image for others
            file.write(content)
        os.replace(temporary, place / name)
    except OSError as error:
        statistics.problem(f"writing {place / name}", error)
        _remove([temporary])
        return False
    _keep_below_limit(place, len(content))
    return True


def packed(key: str, payload: bytes) -> bytes:
    """A file's content: magic, two lengths, the whole key, the payload's SHA-256, the payload."""
    text = key.encode()
    return b"".join(
        (MAGIC, _LENGTHS.pack(len(text), len(payload)), text, hashlib.sha256(payload).digest(), payload)
    )


def unpacked(content: bytes, key: str) -> bytes:
    """The payload in a file's content; ValueError unless it is whole and was written for this very key."""
    start = len(MAGIC) + _LENGTHS.size
    if len(content) < start or not content.startswith(MAGIC):
        raise ValueError("not a kernel file")
    key_length, payload_length = _LENGTHS.unpack_from(content, len(MAGIC))
    key_end = start + key_length
    payload_start = key_end + _DIGEST_SIZE
    if len(content) != payload_start + payload_length:
        raise ValueError("not of the length it states")
    payload = content[payload_start:]
    if hashlib.sha256(payload).digest() != content[key_end:payload_start]:
        raise ValueError("damaged: the checksum differs")
    if content[start:key_end] != key.encode():
        raise ValueError("written for another key")
    return payload


def _touch(path: Path) -> None:
    """Record a use, once a process, so that pruning starts with what nobody uses."""
    if path not in _touched:
        _touched.add(path)
        with contextlib.suppress(OSError):  # a read-only folder is never pruned either
            os.utime(path)


# --- all files


def remove_starting_with(stem: str) -> int:
    """Remove the kernels whose file names start so; the number removed."""
    files = (path for place in folders() for path in _files(place, SUFFIX))
    return _remove(path for path in files if path.name.startswith(stem))


def clear() -> int:
    """Remove every stored kernel; the number of files removed."""
    return _remove(path for place in folders() for path in _files(place, SUFFIX, TEMPORARY))


def size() -> int:
    """Bytes taken by all stored kernels."""
    return sum(length for place in folders() for _, length, _ in _measured(place))


def limit() -> float:
    """Bytes the kernels of one folder may take, from ``NUMBALOSS_CACHE_LIMIT`` in MiB."""
    text = os.environ.get("NUMBALOSS_CACHE_LIMIT", "")
    try:
        mib = float(text) if text else DEFAULT_LIMIT_MIB
    except ValueError as error:
        statistics.problem("reading NUMBALOSS_CACHE_LIMIT", error)
        mib = DEFAULT_LIMIT_MIB
    return mib * 2**20


def _keep_below_limit(place: Path, written: int) -> None:
    """At the first store, then each 1/16 of the limit, measure; remove what was unused for longest."""
    global _unmeasured
    _unmeasured += written
    most = limit()
    if _unmeasured < most / 16:
        return
    _unmeasured = 0.0
    old = time.time() - _HOUR
    _remove(path for used, _, path in _measured(place, TEMPORARY) if used < old)  # left by a killed process
    kernels = _measured(place)
    total = sum(length for _, length, _ in kernels)
    if total <= most:
        return
    for _, length, path in sorted(kernels):
        if total <= 0.75 * most:
            break
        total -= length
        _remove([path])


def _measured(place: Path, suffix: str = SUFFIX) -> list[tuple[float, int, Path]]:
    """When each file was last used, its length in bytes, its path."""
    found = []
    for path in _files(place, suffix):
        with contextlib.suppress(OSError):  # another process removed it just now
            facts = path.stat()
            found.append((facts.st_mtime, facts.st_size, path))
    return found


def _files(place: Path, *suffixes: str) -> list[Path]:
    try:
        return [path for path in place.iterdir() if path.name.endswith(suffixes)]
    except OSError as error:
        statistics.problem(f"listing {place}", error)
        return []


def _remove(paths: Iterable[Path]) -> int:
    removed = 0
    for path in paths:
        with contextlib.suppress(OSError):  # another process was faster, or the folder is read-only
            path.unlink()
            removed += 1
    return removed
