"""Training in several processes, as ``torchrun`` starts them: each takes its part of every batch.

All processes hold the same weights and make the same step: that of one process with the whole
batch, but for the order in which sums are added up. Gradients are sums over the processes, each
weighted by its share of the batch, and batch norms normalize by the statistics of the whole batch,
not of a part of it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

__all__ = ["Processes", "current", "launched", "local_rank", "synchronized"]


@dataclass(frozen=True)
class Processes:
    """The processes of a training: how many there are, and which of them, from 0, this is."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and reports."""
        return self.rank == 0

    def part(self, length: int) -> slice:
        """Return this process's part of ``length`` items: disjoint parts, sizes within one.

        >>> [Processes(rank, 3).part(7) for rank in range(3)]
        [slice(0, 3, None), slice(3, 5, None), slice(5, 7, None)]
        """
        size, rest = divmod(length, self.count)
        begin = self.rank * size + min(self.rank, rest)
        return slice(begin, begin + size + (self.rank < rest))

    def sum_(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over the processes; one message for all of one type."""
        if self.count == 1:
            return
        by_type: dict[torch.dtype, list[Tensor]] = {}
        for tensor in tensors:
            by_type.setdefault(tensor.dtype, []).append(tensor)
        for group in by_type.values():
            flat = torch.cat([tensor.detach().flatten() for tensor in group])
            distributed.all_reduce(flat)
            for tensor, total in zip(
                group, torch.split(flat, [t.numel() for t in group]), strict=True
            ):
                tensor.detach().copy_(total.view_as(tensor))

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.count > 1:
            distributed.barrier()


def current() -> Processes:
    """Return the processes of the default group of ``torch.distributed``, or a single one."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return Processes()
    return Processes(distributed.get_rank(), distributed.get_world_size())


def local_rank() -> int:
    """Return the number of this process among those of its machine, which is that of its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))


@contextlib.contextmanager
def launched() -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started, if any, by NCCL on a GPU, else by Gloo."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield current()
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(local_rank())
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield current()
    finally:
        distributed.destroy_process_group()


@contextlib.contextmanager
def synchronized(model: nn.Module) -> Iterator[None]:
    """Have every batch norm of ``model`` normalize by the batch of all processes together.

    torch's own SyncBatchNorm does so on a GPU alone.
    """
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if current().count == 1:
        norms = []
    for norm in norms:
        norm.forward = partial(_normalized, norm)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


class _Sum(torch.autograd.Function):
    """The sum of a tensor over the processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Return the sum, of the shape and type of ``x``."""
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Return the sum of the gradients: every process's result depends on every ``x``."""
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def _normalized(norm: Any, x: Tensor) -> Tensor:
    """Return what the batch norm ``norm`` makes of ``x`` [N, C, ...], a part of the batch."""
    if not (norm.training or norm.running_mean is None):
        return functional.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
    wide = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    axes = [0, *range(2, x.ndim)]
    shape = [1, -1] + [1] * (x.ndim - 2)
    here = wide.new_tensor([x.numel() / x.shape[1]])
    sums: Tensor = _Sum.apply(torch.cat([wide.sum(axes), here]))  # type: ignore[no-untyped-call]
    count = sums[-1].detach()
    mean = sums[:-1] / count  # [C]
    centered = wide - mean.view(shape)
    variance: Tensor = _Sum.apply(centered.square().sum(axes)) / count  # type: ignore[no-untyped-call]
    if norm.training and norm.running_mean is not None:
        norm.num_batches_tracked.add_(1)
        momentum = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
        unbiased = variance.detach() * count / (count - 1)
        norm.running_mean.lerp_(mean.detach().to(norm.running_mean.dtype), momentum)
        norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), momentum)
    result: Tensor = centered * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        result = result * norm.weight.view(shape) + norm.bias.view(shape)
    return result.to(x.dtype)
