"""A history is on disk after each record and survives a crash at any byte."""

import csv
import json
import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from numbaloss.monitor import History

RECORDS = [{"epoch": 1, "train_loss": 0.75}, {"epoch": 2, "train_loss": 0.5, "accuracy": 0.875}]


def written(path):
    history = History(path)
    for record in RECORDS:
        history.append(**record)
    return history


def test_each_record_is_on_disk_when_append_returns(tmp_path):
    path = tmp_path / "runs" / "history.jsonl"
    history = History(path)
    for count, record in enumerate(RECORDS, start=1):
        history.append(**record)
        assert [json.loads(line) for line in path.read_text().splitlines()] == RECORDS[:count]


def test_records_survive_a_process_that_dies_without_cleaning_up(tmp_path):
    path = tmp_path / "history.jsonl"
    code = f"import os, numbaloss.monitor as m; m.History({str(path)!r}).append(epoch=1); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert list(History.load(path)) == [{"epoch": 1}]


def test_a_file_cut_at_any_byte_keeps_every_whole_record_and_can_be_continued(tmp_path):
    whole = tmp_path / "whole.jsonl"
    written(whole)
    content = whole.read_bytes()
    first_end = content.index(b"\n")
    for cut in range(len(content) + 1):
        path = tmp_path / f"{cut}.jsonl"
        path.write_bytes(content[:cut])
        # A record is whole when its closing brace is there, with or without the newline.
        expected = RECORDS[: (cut >= first_end) + (cut >= len(content) - 1)]
        assert list(History.load(path)) == expected
        assert path.read_bytes() == content[:cut], "loading must not change the file"
        History(path).append(epoch=9)
        assert list(History.load(path)) == [*expected, {"epoch": 9}]


def test_a_damaged_line_before_the_last_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text('{"epoch": 1}\nnonsense\n{"epoch": 3}\n')
    with pytest.raises(ValueError, match=r"history\.jsonl, line 2: not a history record"):
        History.load(path)


def test_loading_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        History.load(tmp_path / "none.jsonl")


def test_an_existing_file_is_continued(tmp_path):
    path = tmp_path / "history.jsonl"
    written(path)
    assert History(path).column("epoch") == [1, 2]


def test_a_fresh_history_keeps_the_earlier_one_beside_it(tmp_path):
    path = tmp_path / "history.jsonl"
    written(path)
    assert len(History.fresh(path)) == 0
    assert list(History.load(tmp_path / "history.previous.jsonl")) == RECORDS
    assert not path.exists()


def test_columns_hold_nan_where_a_record_has_no_value():
    history = written(None)
    assert history.columns == ["epoch", "train_loss", "accuracy"]
    assert math.isnan(history.column("accuracy")[0])
    assert history.column("accuracy")[1] == 0.875
    with pytest.raises(
        KeyError, match="no column 'loss' in this history; it has: epoch, train_loss, accuracy"
    ):
        history.column("loss")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_survive_the_file(tmp_path, value):
    History(tmp_path / "h.jsonl").append(loss=value)
    assert History.load(tmp_path / "h.jsonl").column("loss") == pytest.approx([value], nan_ok=True)


@pytest.mark.parametrize(
    "value", [np.float32(0.5), np.float64(0.5), np.array(0.5), Fraction(1, 2), True, np.int64(3)]
)
def test_any_real_number_is_taken_and_read_back_equal(tmp_path, value):
    History(tmp_path / "h.jsonl").append(loss=value)
    assert History.load(tmp_path / "h.jsonl").column("loss") == [float(value)]


@pytest.mark.parametrize("value", ["0.5", None, [0.5, 0.6], 1j])
def test_what_is_no_number_is_refused_and_nothing_is_written(tmp_path, value):
    with pytest.raises(TypeError, match="loss must be a number, got"):
        History(tmp_path / "h.jsonl").append(epoch=1, loss=value)
    assert not (tmp_path / "h.jsonl").exists()


def test_an_empty_record_is_refused():
    with pytest.raises(TypeError, match="at least one value"):
        History().append()


def test_csv_has_a_header_and_empty_cells_for_missing_values(tmp_path):
    path = written(None).to_csv(tmp_path / "out" / "history.csv")
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["epoch", "train_loss", "accuracy"],
            ["1", "0.75", ""],
            ["2", "0.5", "0.875"],
        ]
