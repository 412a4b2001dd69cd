"""The record of a training run: one JSON object a line, on disk the moment an epoch ends."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import SupportsFloat

Record = dict[str, float]


class History:
    """Figures of a training run, epoch by epoch, appended to a JSON Lines file as they come.

    Each record is one line, written whole, flushed and synchronised with the disk before `append` returns. A
    run that is killed therefore keeps all finished epochs; a last line cut short by the crash is ignored when
    the file is read and removed when it is next written to. Values are numbers; nan and infinities are
    written as Python's `json` writes them (``NaN``, ``Infinity``).

    Parameters
    ----------
    path
        The file. One that exists is read first and continued; folders are created as needed. ``None`` keeps
        the history in memory only.

    Raises
    ------
    ValueError
        If a line other than the last of an existing file is no record; the message names file and line.

    Examples
    --------
    >>> history = History()
    >>> history.append(epoch=1, train_loss=0.9, valid_loss=1.0)
    >>> history.append(epoch=2, train_loss=0.5, valid_loss=0.7, accuracy=0.81)
    >>> history.column("valid_loss"), history.column("accuracy")
    ([1.0, 0.7], [nan, 0.81])
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._records: list[Record] = []
        if self.path is not None and self.path.exists():
            self._records, complete = _read(self.path)
            _mend(self.path, complete)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> History:
        """Read a history without touching its file, which must exist.

        What is appended later stays in memory.
        """
        history = cls()
        history._records, _ = _read(Path(path))
        return history

    @classmethod
    def fresh(cls, path: str | os.PathLike[str]) -> History:
        """Start a new file at `path`; one already there is kept as ``NAME.previous.jsonl`` beside it."""
        path = Path(path)
        if path.exists():
            path.replace(path.with_name(f"{path.stem}.previous{path.suffix}"))
        return cls(path)

    def append(self, **values: SupportsFloat) -> None:
        """Add one record, for example ``append(epoch=3, train_loss=0.21, valid_loss=0.25, accuracy=0.93)``.

        Raises TypeError, and writes nothing, if there is no value or one is not a number.
        """
        if not values:
            raise TypeError("append() needs at least one value, for example epoch=1, train_loss=0.5")
        record = {name: _number(name, value) for name, value in values.items()}
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
                file.flush()
                os.fsync(file.fileno())
        self._records.append(record)

    def column(self, name: str) -> list[float]:
        """All values called `name`, one a record;

        nan where a record has none. KeyError if no record has it.
        """
        if not any(name in record for record in self._records):
            raise KeyError(
                f"no column {name!r} in this history; it has: {', '.join(self.columns) or 'nothing'}"
            )
        return [record.get(name, math.nan) for record in self._records]

    @property
    def columns(self) -> list[str]:
        """Names of all columns, in the order they first appeared."""
        return list(dict.fromkeys(name for record in self._records for name in record))

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write all records to a CSV file with a header line (missing values empty), and return its path."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=self.columns)
            writer.writeheader()
            writer.writerows(self._records)
        return path

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Mapping[str, float]]:
        return iter(self._records)

    def __getitem__(self, index: int) -> Mapping[str, float]:
        return self._records[index]

    def __repr__(self) -> str:
        return f"History({'' if self.path is None else repr(str(self.path))}: {len(self)} records)"


def _number(name: str, value: object) -> float:
    """A plain int or float from any real number, NumPy's scalars included."""
    if isinstance(value, int | float):
        return value if type(value) in (int, float) else float(value)
    try:
        if not isinstance(value, str | bytes):  # float("0.5") would pass
            return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass  # the same error for all that are no numbers
    raise TypeError(f"{name} must be a number, got {type(value).__name__} {value!r}")


def _read(path: Path) -> tuple[list[Record], int]:
    """The records in a file, and how many of its bytes hold whole records."""
    records: list[Record] = []
    lines = path.read_bytes().splitlines(keepends=True)
    complete = 0
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("not an object")
        except ValueError as error:  # also UnicodeDecodeError and JSONDecodeError
            if number == len(lines):
                break
            raise ValueError(f"{path}, line {number}: not a history record ({error})") from None
        records.append(record)
        complete += len(line)
    return records, complete


def _mend(path: Path, complete: int) -> None:
    """Cut off what follows the whole records, and end the last of them with a newline."""
    with path.open("r+b") as file:
        file.truncate(complete)
        if complete:
            file.seek(complete - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")
