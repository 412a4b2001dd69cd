"""The table of deliberate differences is complete, and none of its entries is stale."""

from importlib import import_module
from pathlib import Path

from differences import ENTRIES, SHOWN, table
from torch_cases import all_cases

FIELDS = {"key", "loss", "other", "theirs", "ours", "reason"}


def test_every_entry_says_what_who_and_why():
    entries = table()
    assert len({entry["key"] for entry in entries}) == len(entries)
    for entry in entries:
        assert set(entry) == FIELDS, entry
        assert all(entry.values()), entry
        assert entry["other"] in ("torch", "scikit-learn")


def test_every_entry_is_shown_by_a_sample_or_a_test():
    for file in Path(__file__).parent.glob("test_*.py"):
        import_module(file.stem)  # their tests say which entries they show
    by_sample = {entry.key for entry in ENTRIES}
    keys = {entry["key"] for entry in table()}
    assert keys == by_sample | set(SHOWN)


def test_every_predicate_still_matches_a_sample_of_torch():
    unused = {entry.key for entry in ENTRIES}
    for case in all_cases():
        unused -= {entry.key for entry in ENTRIES if entry.applies(case)}
        if not unused:
            break
    assert not unused, f"stale entries: {sorted(unused)}"
