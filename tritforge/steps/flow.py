"""The steps of the chain: each a function of a configuration and a workspace, file to file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tritforge.config.config import Config
from tritforge.errors import ConfigError, MissingStep, ProofFailed
from tritforge.export.artifacts.manifest import Manifest
from tritforge.files import write_atomic
from tritforge.hw.targets.registry import TARGETS
from tritforge.reports.estimate import estimate as estimates
from tritforge.reports.page import html, markdown, sections
from tritforge.reports.synth.fpga import NETLIST
from tritforge.sim import runner
from tritforge.sim.launcher import SimulationFailed
from tritforge.sim.result import SimulationResult
from tritforge.sim.runner import Netlist
from tritforge.steps import package as packing
from tritforge.steps import results, targets
from tritforge.steps.design import load_manifest, load_network
from tritforge.steps.export import RANDOM_IMAGES, demand_record, export
from tritforge.steps.planning import planned, save
from tritforge.steps.progress import phases, words
from tritforge.steps.training import train, train_once
from tritforge.steps.vectors import Vectors
from tritforge.steps.workspace import Workspace

__all__ = [
    "RANDOM_IMAGES",
    "Workspace",
    "demo",
    "estimate",
    "export",
    "generate",
    "package",
    "report",
    "simulate",
    "train",
    "train_once",
]

PLANNED_FRAMES = 16
"""Images that `demo` sends without stalls, where the cycle count must be the plan's."""


def generate(config: Config, workspace: Workspace, *, force: bool = False) -> None:
    """Write ROM images, Verilog and the manifest, which names every file with its digest.

    ``force`` plans beyond what the device holds.
    """
    network = load_network(workspace)
    demand_record(workspace)
    with phases("planning", "Verilog", "files") as begin:
        begin("planning")
        design = planned(config, workspace, network, force=force)
        save(config, workspace, design)
        begin("Verilog")
        text = design.verilog()
        begin("files")
        others = {"vectors": workspace.vectors.name, "host": workspace.host.name}
        manifest = design.write(workspace.design, others)
    print(
        f"{len(text.splitlines()):,} lines of Verilog, {len(manifest.roms)} ROM images, "
        f"a frame every {manifest.interval_cycles:,} cycles "
        f"-> {workspace.design / manifest.files['verilog'].file}"
    )


def simulate(
    config: Config,
    workspace: Workspace,
    *,
    simulator: str = "verilator",
    stalls: str = "random",
    seed: int = 0,
    frames: int | None = None,
    first: int = 0,
    jobs: int | None = None,
    wave: bool = False,
    netlist: str | None = None,
) -> None:
    """Send held-out images through the Verilog and compare every stream with the reference.

    ``frames`` images from number ``first`` on, ``jobs`` simulators at a time. With ``netlist``, the
    name of a target, they go through the netlist that `synth` made for it.

    Raises
    ------
    ProofFailed: they differ; names the layer, the first wrong word, and the command that repeats
        the failure with a waveform.
    """
    manifest = load_manifest(workspace)
    source = None if netlist is None else _netlist(config, workspace, manifest, netlist)
    tests = Vectors.load(workspace.vectors)
    if first >= len(tests.images):
        raise ConfigError(
            f"--first must be below the {len(tests.images)} held-out images, not {first}"
        )
    images = tests.images[first:][:frames]
    level = ""
    if netlist is not None:
        level = "-netlist" if _configured(config, netlist) else f"-netlist-{netlist}"
    folder = workspace.simulations / f"{simulator}{level}"
    verdict = folder / f"{stalls}.json"
    verdict.unlink(missing_ok=True)
    with words(f"{simulator}, stalls {stalls}") as advance:
        try:
            result = runner.simulate(
                workspace.design,
                images,
                simulator=simulator,
                build_dir=folder,
                seed=seed,
                stalls=stalls,
                wave=wave,
                netlist=source,
                first=first,
                jobs=jobs,
                progress=advance,
            )
        except SimulationFailed as error:
            tried = error.frames or (first, len(images))
            again = _repeat(workspace, simulator, stalls, seed, tried, netlist)
            raise SimulationFailed(f"{error}; {again}") from error
    results.save_verdict(verdict, workspace, result)
    if not result.passed:
        again = _repeat(
            workspace, simulator, stalls, seed, result.replay or (first, len(images)), netlist
        )
        count = len(result.failures)
        more = f" ({count} failures, all in {verdict})" if count > 1 else ""
        raise ProofFailed(
            f"{result.design}, stalls {stalls}, seed {seed}: {result.failures[0]}{more}; {again}"
        )
    print(_success(result, verdict))
    _print_accuracy(result, tests)


def _configured(config: Config, target: str) -> bool:
    """Whether ``target`` is that of the configured device."""
    return target == config.hardware.target.NAME


def _netlist(config: Config, workspace: Workspace, manifest: Manifest, target: str) -> Netlist:
    """The netlist of the present design for ``target``."""
    command, folder = workspace.command("synth"), workspace.synthesis
    if _configured(config, target):
        found = results.synthesis(config, workspace, manifest)
    else:
        command, folder = f"{command} --target {target}", folder / target
        found = targets.other_synthesis(workspace, manifest, target)
    if found is None or not (folder / NETLIST).is_file():
        raise MissingStep(f"no netlist of this design for {target}: run `{command}` first")
    return Netlist(
        verilog=folder / NETLIST, models=TARGETS[target]().netlist_models(), target=target
    )


def _repeat(
    workspace: Workspace,
    simulator: str,
    stalls: str,
    seed: int,
    frames: tuple[int, int],
    netlist: str | None,
) -> str:
    """The command that shows a failure again, beat for beat, and records every signal."""
    level = "" if netlist is None else f" --netlist --target {netlist}"
    options = f"--simulator {simulator}{level} --stalls {stalls} --seed {seed}"
    which = f"--first {frames[0]} --frames {frames[1]}"
    return f"to repeat it with a wave: `{workspace.command('simulate')} {options} {which} --wave`"


def _print_accuracy(result: SimulationResult, tests: Vectors) -> None:
    """Say how many classes the hardware, whose words are the reference's, got right."""
    if result.classes is not None:
        labels = tests.labels[result.first :][: result.frames]
        right = int((labels == np.array(result.classes)).sum())
        print(
            f"{100 * right / len(labels):.2f} % of these images ({right} of {len(labels)}) "
            "are classified right by the hardware"
        )


def _success(result: SimulationResult, verdict: Path) -> str:
    planned = "" if result.expected_cycles is None else f" = the plan's {result.expected_cycles:,}"
    cycles = "" if result.cycles is None else f", {result.cycles:,} cycles{planned}"
    level = "Netlist" if result.netlist else "Verilog"
    return (
        f"{level} on {result.simulator} {result.version} = integer reference "
        f"on all {result.frames} images, stalls {result.stalls}, seed {result.seed}: "
        f"{result.compared_words:,} words compared{cycles} "
        f"({result.cycles_per_second:,.0f} a second) -> {verdict}"
    )


def package(config: Config, workspace: Workspace, *, clock_mhz: float = 100.0) -> None:
    """Write the folder for use in an FPGA project."""
    manifest, network = load_manifest(workspace), load_network(workspace)
    images = Vectors.load(workspace.vectors).images
    files = packing.write(
        network, manifest, workspace.design, workspace.package, images, clock_mhz=clock_mhz
    )
    print(
        f"{len(files)} files, AXI4-Stream core {manifest.top!r} at {clock_mhz:g} MHz "
        f"-> {workspace.package}"
    )


def estimate(config: Config, workspace: Workspace) -> None:
    """Print the estimated resources of each layer against the device."""
    design = planned(config, workspace, load_network(workspace), force=True)
    print(estimates.table(design.estimate(), design.device).text())


def report(config: Config, workspace: Workspace) -> None:
    """Gather the results of the steps into report.html and report.md.

    Raises
    ------
    ProofFailed: a comparison in the report found a difference.
    """
    network, manifest = load_network(workspace), load_manifest(workspace)
    tests = Vectors.load(workspace.vectors)
    data = results.gather(config, workspace, network, manifest, tests)
    for suffix, text in (("html", html.render(data)), ("md", markdown.render(data))):
        write_atomic(workspace.report(suffix), text)
    workspace.tables.mkdir(exist_ok=True)
    for table in markdown.tables(data):
        name = re.sub(r"\W+", "-", table.title.lower())
        write_atomic(workspace.tables / f"{name}.csv", table.csv())
    headline, detail = sections.verdict(data)
    print(
        f"{headline}. {detail}\n"
        f"-> {workspace.report('html')}, {workspace.report('md')}, {workspace.tables}"
    )
    if data.verdict == "different":
        raise ProofFailed(f"the models differ: see {workspace.report('html')}")


def demo(config: Config, workspace: Workspace, *, frames: int | None = None) -> None:
    """Run the whole chain, simulating ``frames`` images; a finished training is not repeated."""
    begin = time.monotonic()
    steps: list[tuple[str, Callable[[], object]]] = [
        ("train", lambda: train_once(config, workspace)),
        ("export", lambda: export(config, workspace)),
        ("generate", lambda: generate(config, workspace)),
        ("simulate", lambda: simulate(config, workspace, frames=frames)),
        ("simulate", lambda: simulate(config, workspace, stalls="none", frames=PLANNED_FRAMES)),
        ("synth", lambda: targets.synth(config, workspace)),
        ("report", lambda: report(config, workspace)),
    ]
    for number, (name, step) in enumerate(steps, start=1):
        print(f"\n[{number}/{len(steps)}] {name}", flush=True)
        step()
    count = len(Vectors.load(workspace.vectors).images)
    verilog_too = "torch, integers and Verilog agree in every bit"
    if frames is not None and frames < count:
        verilog_too = f"torch and integers agree in every bit, and Verilog on the first {frames}"
    print(
        f"\nAll {count} held-out images matched: {verilog_too} ({time.monotonic() - begin:.0f} s)."
    )
