"""The bench for devices, with the simulator for a device and a clock that ticks evenly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from numbaloss.bench import device
from numbaloss.bench.cases import Case
from numbaloss.cli import app
from numbaloss.plugins.registry import function
from numbaloss.testing.devices import SimulatedPlace


class EvenClock:
    """Every call takes a millisecond; a copy moves a megabyte in that."""

    def seconds(self, call: Callable[[], Any]) -> float:
        call()
        return 1e-3

    def copy_bandwidth(self) -> float:
        return 1e9

    def extra_memory(self, call: Callable[[], Any]) -> int:
        return 40


def rows(name: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, **peers: Any) -> list[device.Row]:
    monkeypatch.setattr(device, "host_seconds", lambda *arguments: 1e-5)
    case = Case(function(name).definition, "large", shape)
    return list(device.measure([case], SimulatedPlace(), EvenClock(), peers))


def test_a_row_for_each_storage_type(monkeypatch: pytest.MonkeyPatch) -> None:
    single, half = rows("huber_loss", (500,), monkeypatch, torch=lambda case, arrays: lambda: None)
    assert (single.storage, half.storage) == ("float32", "bfloat16")
    assert single.bytes == 3 * 500 * 4
    assert half.bytes == 3 * 500 * 2
    assert single.share == pytest.approx(6000 / 1e-3 / 1e9)
    assert single.error < 1e-6
    assert half.error < 1e-2
    assert single.repeats
    assert single.ratio("torch") == 1.0
    assert single.extra_memory == 40 / 4000


def test_a_wrong_result_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "TOLERANCES", {"float32": 0.0, "bfloat16": 0.0})
    found = rows("log_cosh_loss", (99,), monkeypatch)
    assert any("not timed" in note for row in found for note in row.notes)


def test_a_peer_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(case: Case, arrays: list[Any]) -> None:
        raise RuntimeError("no such kernel\nmore")

    found = rows("mse_loss", (64,), monkeypatch, liger=fails)
    assert found[0].notes == ["liger failed: RuntimeError: no such kernel"]


def test_the_table_is_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    text = device.markdown(rows("mse_loss", (64,), monkeypatch), "a device")
    lines = text.splitlines()
    assert lines[0] == "# Speed on a CUDA device"
    assert "a device, where a copy moves 1 GB/s" in text
    assert lines[5].count("|") == lines[7].count("|") == len(device.HEADER) + 1
    assert lines[7].startswith("| mse_loss | 64 | float32 | 1.000 ms |")


def test_every_loss_has_shapes_on_a_device() -> None:
    assert {case.facts.name for case in device.cases([])} >= {"mse_loss", "cross_entropy", "dice_loss", "nt_xent_loss"}


def test_without_a_device_the_command_says_so() -> None:
    result = CliRunner().invoke(app, ["bench", "--device", "cuda"])
    assert result.exit_code == 2
    assert "PyTorch finds no CUDA device here" in result.output
    assert CliRunner().invoke(app, ["bench", "--device", "tpu"]).exit_code == 2
