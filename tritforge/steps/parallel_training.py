"""Trainings in parallel, each in its own process: on several cores, or several on one GPU.

A small network leaves most of a GPU idle, so several are trained on it in the time of one.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from tqdm import tqdm  # type: ignore[import-untyped]

from tritforge.config import config as configs
from tritforge.config.config import Config
from tritforge.errors import UserError
from tritforge.quant.training.loop import LOG
from tritforge.steps.training import (
    finished,
    pretrain_once,
    pretrained_workspace,
    pretraining,
    settings,
    share_pretraining,
    train_once,
)
from tritforge.steps.workspace import Workspace

__all__ = ["TrainingFailed", "train_side_by_side"]

Training = tuple[Config, Workspace]

_LOOK_S = 1.0
"""Seconds between two reads of the logs, for the bar."""


class TrainingFailed(UserError):
    """A process of a training ended without a result, for example killed for its memory."""


@dataclass(eq=False)
class _Task:
    """One process: its training, its function, and the task that it depends on."""

    action: Callable[[Config, Workspace], None]
    config: Config
    workspace: Workspace
    after: _Task | None = None
    running: tuple[BaseProcess, Connection] | None = None
    done: bool = False
    failure: Exception | None = None
    trace: str = ""

    @property
    def ready(self) -> bool:
        """Whether it may begin."""
        return self.running is None and not self.done and (self.after is None or self.after.done)


def train_side_by_side(trainings: Sequence[Training], jobs: int) -> None:
    """Train the networks that are not trained yet, at most ``jobs`` at a time.

    A float network that several start from is trained once, before them. A failure does not stop
    the others, except those that start from it. All continue where an earlier call was interrupted.

    Raises
    ------
    Exception: the one of the first training that failed, when all others are done; all are named on
        stderr.
    """
    tasks = _planned(trainings)
    with _bar(tasks) as look, _ended(tasks):
        while any(not task.done for task in tasks):
            for task in [task for task in tasks if task.ready]:
                if task.after is not None and task.after.failure is not None:
                    task.failure, task.done = task.after.failure, True
                elif sum(other.running is not None for other in tasks) < jobs:
                    share_pretraining(
                        task.config, task.workspace, [workspace for _, workspace in trainings]
                    )
                    _begin(task)
            answers = {task.running[1]: task for task in tasks if task.running is not None}
            for answer in wait(list(answers), _LOOK_S):
                _end(answers[answer])  # type: ignore[index]
            look()
    failed = [task for task in tasks if task.failure is not None]
    for task in failed:
        print(f"{task.config.name}: {task.failure}", file=sys.stderr)
    if failed and failed[0].failure is not None:
        # The traceback of the process that it comes from, shown as the cause where one is shown.
        raise failed[0].failure from RuntimeError(failed[0].trace)


def _planned(trainings: Sequence[Training]) -> list[_Task]:
    """Return the tasks that are not done yet, those that others start from first."""
    begins: dict[str, _Task] = {}
    others = []
    for config, workspace in sorted(
        trainings, key=lambda training: training[0].quantization.ternary
    ):
        if finished(config, workspace) is not None:
            train_once(config, workspace)  # says that it is
            continue
        first, task = pretraining(config), _Task(train_once, config, workspace)
        if not config.quantization.ternary and _key(config) not in begins:
            begins[_key(config)] = task
            continue
        if first is not None and finished(first, pretrained_workspace(workspace)) is None:
            task.after = begins.setdefault(_key(first), _Task(pretrain_once, config, workspace))
        others.append(task)
    return [*begins.values(), *others]


def _key(config: Config) -> str:
    """Settings by which two trainings give the same weights."""
    return repr(settings(config))


def _begin(task: _Task) -> None:
    context = multiprocessing.get_context("spawn")  # a GPU's state does not survive a fork
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task.action, task.workspace, theirs))
    process.start()
    theirs.close()
    task.running = process, ours


def _end(task: _Task) -> None:
    """Handle the result of the process of ``task``."""
    assert task.running is not None
    process, answer = task.running
    try:
        said = answer.recv()
    except EOFError:
        said = None
    process.join()
    task.running, task.done = None, True
    if said is None:
        task.failure = TrainingFailed(f"its process ended with status {process.exitcode}")
    elif isinstance(said, tuple):
        task.failure, task.trace = said
    elif said:
        tqdm.write(f"{task.config.name}: {said}")


def _work(
    action: Callable[[Config, Workspace], None], workspace: Workspace, answer: Connection
) -> None:
    """Do the work of a process, and send what it printed, or the exception."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            action(configs.load(workspace.config_path), workspace)
        answer.send(printed.getvalue().strip())
    except Exception as error:
        answer.send((error, traceback.format_exc()))


@contextlib.contextmanager
def _ended(tasks: Sequence[_Task]) -> Iterator[None]:
    """End all processes."""
    try:
        yield
    finally:
        for process, _ in [task.running for task in tasks if task.running is not None]:
            process.terminate()
            process.join()


@contextlib.contextmanager
def _bar(tasks: Sequence[_Task]) -> Iterator[Callable[[], None]]:
    """Show the epochs of all tasks together; the function that is yielded updates the bar."""
    counted = [_Counted(task) for task in tasks]
    total = sum(one.epochs for one in counted)
    with tqdm(total=total, desc="compare", unit="epoch", disable=not sys.stderr.isatty()) as bar:

        def look() -> None:
            bar.update(sum(one.made() for one in counted) - bar.n)

        yield look


@dataclass
class _Counted:
    """How many epochs a task has made."""

    task: _Task
    epochs: int = field(init=False)

    def __post_init__(self) -> None:
        config, workspace = self.task.config, self.task.workspace
        first = pretraining(config) if self.task.action is pretrain_once else None
        self.epochs = (first or config).training.epochs
        self.log = (pretrained_workspace(workspace) if first else workspace).training / LOG

    def made(self) -> int:
        """Return the lines of its log."""
        if self.task.done:
            return self.epochs
        if self.task.running is None or not self.log.is_file():
            return 0
        return min(self.epochs, len(self.log.read_text(encoding="utf-8").splitlines()) - 1)
