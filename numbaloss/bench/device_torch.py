"""PyTorch on a CUDA device: the clock, and the peers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from numbaloss.bench import peers_torch
from numbaloss.bench.cases import Case
from numbaloss.bench.device import Call, median

COPIED = 1 << 28  # float32 numbers of the copy that bandwidth is measured by
ROUNDS = 20


class EventClock:
    """Times by CUDA events."""

    def seconds(self, call: Call) -> float:
        for _ in range(3):
            call()

        def once() -> float:
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            begin.record()
            call()
            end.record()
            end.synchronize()
            return float(begin.elapsed_time(end)) / 1e3

        return median(once, ROUNDS)

    def copy_bandwidth(self) -> float:
        source = torch.empty(COPIED, device="cuda")
        target = torch.empty_like(source)
        return 8.0 * COPIED / self.seconds(lambda: target.copy_(source))

    def extra_memory(self, call: Call) -> int:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before


def torch_peer(compiled: bool) -> Callable[[Case, list[Any]], Call | None]:
    """PyTorch's own loss, or the composition a user would write."""

    def prepare(case: Case, arrays: list[Any]) -> Call | None:
        return peers_torch.contestant(case, [array.detach().clone() for array in arrays], compiled)

    return prepare


def liger(case: Case, arrays: list[Any]) -> Call | None:
    """Liger's cross-entropy, where it is installed."""
    if case.facts.name != "cross_entropy" or len(case.shape) != 2:
        return None
    from liger_kernel.transformers import LigerCrossEntropyLoss

    loss, target = LigerCrossEntropyLoss(), arrays[1]
    kept = arrays[0].detach()

    def call() -> Any:
        # it writes the gradient over the logits, so it gets a copy, as a training step gives it new logits
        input = kept.clone().requires_grad_()
        loss(input, target).backward()
        return input.grad

    return call


PEERS = {"torch": torch_peer(compiled=False), "compile": torch_peer(compiled=True), "liger": liger}
