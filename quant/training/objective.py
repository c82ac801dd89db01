"""Terms that ternarization methods add to training: a penalty, and a pass for thresholds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tritforge.quant.methods.base import Ternarizer
from tritforge.quant.training.distributed import Processes

__all__ = ["begin_step", "penalty", "step_thresholds", "ternarizers", "threshold_parameters"]


def ternarizers(model: nn.Module) -> Iterator[tuple[Ternarizer, Tensor]]:
    """Yield the ternarizer and the latent weight of each ternary layer."""
    for module in model.modules():
        if isinstance(module, parametrize.ParametrizationList) and isinstance(
            module[0], Ternarizer
        ):
            yield module[0], module.original


def begin_step(model: nn.Module, progress: float) -> None:
    """Announce the next step to the methods; ``progress``, 0..1, is the share of steps done."""
    for ternarizer, latent in ternarizers(model):
        ternarizer.begin_step(latent, progress)


def penalty(model: nn.Module, progress: float) -> Tensor | None:
    """Return the sum of the layers' penalties, 0-d, or None if no method has one.

    ``progress`` is the share of all steps that is done, 0..1.
    """
    each = [ternarizer.penalty(latent, progress) for ternarizer, latent in ternarizers(model)]
    given = [term for term in each if term is not None]
    return torch.stack(given).sum() if given else None


def threshold_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that ``step_thresholds`` moves; no other optimizer may."""
    return [
        parameter for ternarizer, _ in ternarizers(model) for parameter in ternarizer.thresholds()
    ]


def step_thresholds(
    model: nn.Module,
    loss: Callable[[], Tensor],
    learning_rate: float,
    processes: Processes = Processes(),  # noqa: B008  # frozen
) -> None:
    """Move only the thresholds of ``model``, if it has any, by one step of plain SGD.

    Step 3 of Algorithm 1 of He and Fan (CVPR 2019, ``tritforge.quant.methods.tga``). Call it on
    each batch before the step of the weights. ``loss`` runs the model on the batch; the running
    statistics of batch norms do not count this pass. With several ``processes`` it is each one's
    part of the loss, and their gradients add up.
    """
    parameters = threshold_parameters(model)
    if not parameters:
        return
    with _statistics_kept(model):
        gradients = torch.autograd.grad(loss(), parameters)
    processes.sum_(gradients)
    owners = [t for t, _ in ternarizers(model) for _ in t.thresholds()]
    with torch.no_grad():
        for parameter, gradient, owner in zip(parameters, gradients, owners, strict=True):
            parameter.sub_(learning_rate * owner.limited(gradient))
    for ternarizer, latent in ternarizers(model):
        ternarizer.settle(latent)


@contextlib.contextmanager
def _statistics_kept(model: nn.Module) -> Iterator[None]:
    """Restore the running statistics of all batch norms at the end."""
    norms = [
        module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)
    ]
    tracked = [norm for norm in norms if norm.running_mean is not None]
    kept = [
        (norm, norm.running_mean, norm.running_var, norm.num_batches_tracked) for norm in tracked
    ]
    try:
        for norm, *buffers in kept:
            norm.running_mean, norm.running_var, norm.num_batches_tracked = (
                None if buffer is None else buffer.clone() for buffer in buffers
            )
        yield
    finally:
        for norm, mean, variance, count in kept:
            norm.running_mean, norm.running_var, norm.num_batches_tracked = mean, variance, count
