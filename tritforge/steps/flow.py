"""The steps of the chain: each a function of a configuration and a workspace, from files to files."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm  # type: ignore[import-untyped]

from tritforge.config.config import Config
from tritforge.errors import ConfigError, MissingStep, ProofFailed
from tritforge.export.artifacts.manifest import CELLS, FileEntry, Manifest
from tritforge.export.ir import serialize
from tritforge.export.lowering.lower import Lowered, lower
from tritforge.files import write_atomic
from tritforge.hw.pipeline import verilog
from tritforge.hw.targets.primitives import Primitives
from tritforge.quant import checkpoint, datasets
from tritforge.quant.evaluate import exact
from tritforge.reports.devices import device
from tritforge.reports.estimate import estimate as estimates
from tritforge.reports.page import html, markdown, sections
from tritforge.reports.synth import ecp5, mapped
from tritforge.reports.synth.xilinx import NETLIST, RESULT, synthesise
from tritforge.reports.synth.yosys import show_progress
from tritforge.sim import runner
from tritforge.sim.launcher import SimulationFailed
from tritforge.sim.result import SimulationResult
from tritforge.steps import package as packing
from tritforge.steps import results, targets, vectors
from tritforge.steps.design import checked_images, load_manifest, load_network
from tritforge.steps.planning import keep, planned
from tritforge.steps.training import build, load_dataset, settings, train, train_once
from tritforge.steps.vectors import Vectors
from tritforge.steps.workspace import Workspace

__all__ = [
    "Workspace",
    "demo",
    "estimate",
    "export",
    "generate",
    "package",
    "report",
    "simulate",
    "synth",
    "train",
    "train_once",
]

RANDOM_IMAGES = 16
"""Random images for a network with random weights."""

PLANNED_FRAMES = 16
"""Images that `demo` sends without stalls, where the cycle count must be the plan's."""


@dataclass(frozen=True, kw_only=True)
class _Trained:
    """A checkpoint brought back: the configuration it was trained with, its meta data, the exact model."""

    config: Config
    model64: nn.Module
    meta: dict[str, Any]


def _restore(config: Config, workspace: Workspace) -> _Trained:
    """Return what `train` left; what --epochs, --seed and --fold changed there is the checkpoint's."""
    workspace.need(workspace.training / "model.json", "train")
    state, meta = checkpoint.load(workspace.training)
    kept, wanted = results.settings(meta, workspace), settings(config)
    for section, values in wanted.items():
        for name, value in values.items():
            has = kept.get(section, {}).get(name)
            if has != value and (section, name) not in results.OVERRIDABLE:
                raise MissingStep(
                    f"{workspace.training} was trained with {section}.{name} {has!r}, {workspace.config_path} has "
                    f"{value!r}: run `{workspace.command('train')}` again"
                )
    trained = results.as_trained(config, kept)
    model = build(trained, workspace)
    checkpoint.restore(model, state)
    return _Trained(config=trained, model64=exact(model), meta=meta)


def _random(
    config: Config, workspace: Workspace, seed: int, count: int, held_out: bool
) -> tuple[nn.Module, Tensor, Tensor]:
    """The network at random starting weights and the first held-out images, or random ones of label 0."""
    training = replace(config.training, seed=seed)
    model64 = exact(build(replace(config, training=training), workspace))
    if held_out:
        dataset = load_dataset(config, workspace)
        return model64, dataset.test_images[:count], dataset.test_labels[:count]
    numbers = torch.Generator().manual_seed(seed)
    channels, *size = datasets.SHAPES[config.dataset.name]
    size = size if config.dataset.image_size is None else [config.dataset.image_size] * 2
    images = torch.rand((count, channels, *size), generator=numbers)
    return model64, images, torch.zeros(count, dtype=torch.int64)


def export(
    config: Config,
    workspace: Workspace,
    *,
    random_weights: int | None = None,
    count: int = RANDOM_IMAGES,
    held_out: bool = False,
    force: bool = False,
) -> None:
    """Lower the trained network, prove it equal to torch on every held-out image, write its ROM images.

    With ``random_weights``, a seed, it is the network at random ternary weights, on ``count`` random images
    or as many held-out ones. ``force`` plans beyond what the device holds.
    """
    chosen = config.quantization
    if not chosen.ternary or chosen.activation == "float":
        wrong = "method 'float'" if not chosen.ternary else "activation 'float'"
        raise ConfigError(
            f"{workspace.config_path}: quantization has {wrong}, which has no hardware: it serves to compare"
        )
    if random_weights is None:
        trained = _restore(config, workspace)
        dataset = load_dataset(trained.config, workspace)
        model64, images, labels = trained.model64, dataset.test_images, dataset.test_labels
    else:
        model64, images, labels = _random(config, workspace, random_weights, count, held_out)
    with _phases("lowering", "torch", "reference", "planning", "ROM images") as begin:
        begin("lowering")
        lowered = lower(model64, tuple(images.shape[1:]), name=config.name)
        network = lowered.network
        begin("torch")
        tests = vectors.collect(model64, lowered, images, labels)
        begin("reference")
        agreement = vectors.demand_equal(network, tests)
        begin("planning")
        made = planned(config, workspace, network, anew=True, force=force)
        begin("ROM images")
        workspace.design.mkdir(parents=True, exist_ok=True)
        serialize.save(network, workspace.design)
        keep(config, workspace, made)
        tests.save(workspace.vectors)
        write_atomic(workspace.host, json.dumps(_host(lowered), indent=2) + "\n")
        written = [image.write(workspace.design) for image, _ in made.roms()]
    which = "held-out" if random_weights is None or held_out else "random"
    print(
        f"torch in float64 = integer reference on all {len(tests.images)} {which} images: "
        f"{sum(agreement.words.values()):,} integers compared, {len(written)} ROM images -> {workspace.design}"
    )


@contextlib.contextmanager
def _phases(*names: str) -> Iterator[Callable[[str], None]]:
    """Show a bar over the named phases, and yield what is called as each begins."""
    with tqdm(total=len(names), unit="phase", leave=False, disable=None) as bar:

        def begin(name: str) -> None:
            bar.update(names.index(name) - bar.n)
            bar.set_description(name)

        yield begin


def _host(lowered: Lowered) -> dict[str, Any]:
    """What the program that feeds the core must know: how a value becomes a code, and what comes back."""
    network = lowered.network
    into, out = network.input, network.types[network.output]
    return {
        "input": {
            "shape": into.shape,
            "dtype": str(into.dtype),
            "step": lowered.input_step,
            "code": f"floor(value / step + 1/2), at least {into.dtype.minimum}, at most {into.dtype.maximum}",
        },
        "output": {"shape": out.shape, "dtype": str(out.dtype), "made_by": network.nodes[-1].kind},
    }


def generate(config: Config, workspace: Workspace, *, force: bool = False) -> None:
    """Write the Verilog and the manifest, which names every file of the design with its digest."""
    network = load_network(workspace)
    workspace.need(workspace.vectors, "export")
    with _phases("planning", "ROM images", "Verilog") as begin:
        begin("planning")
        made = planned(config, workspace, network, force=force)
        begin("ROM images")
        roms = checked_images(made, workspace)
        begin("Verilog")
        text = verilog.generate(made, config.hardware.primitives, config.hardware.axi_lite)
    source = workspace.design / f"{network.name}.v"
    write_atomic(source, text)
    cells = workspace.design / "cells.v"
    cells.unlink(missing_ok=True)
    files = {
        "verilog": FileEntry.of(source),
        "network": FileEntry.of(workspace.design / serialize.NETWORK_FILE),
        "tensors": FileEntry.of(workspace.design / serialize.TENSOR_FILE),
        "vectors": FileEntry.of(workspace.vectors),
        "host": FileEntry.of(workspace.need(workspace.host, "export")),
    }
    if config.hardware.primitives is not Primitives.GENERIC:
        write_atomic(cells, verilog.cells(config.hardware.primitives))
        files[CELLS] = FileEntry.of(cells)
    manifest = verilog.describe(
        made,
        files=files,
        rom_entries=roms,
        device=config.hardware.device,
        registers=config.hardware.axi_lite,
    )
    manifest.write(workspace.design)
    print(
        f"{len(source.read_text().splitlines()):,} lines of Verilog, a frame every "
        f"{manifest.interval_cycles:,} cycles -> {source}"
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
    """Send held-out images through the Verilog; ProofFailed names the layer and the first wrong word.

    ``frames`` images from number ``first`` on, ``jobs`` simulators at a time. With ``netlist``, "xilinx" or
    "ecp5", they go through what `synth` made of it for this target. A failure names the command that shows
    it again with a wave.
    """
    manifest = load_manifest(workspace)
    source = None if netlist is None else _netlist(config, workspace, manifest, netlist)
    tests = Vectors.load(workspace.vectors)
    if first >= len(tests.images):
        raise ConfigError(
            f"--first must be below the {len(tests.images)} held-out images, not {first}"
        )
    images = tests.images[first:][:frames]
    level = (
        "" if netlist is None else f"-netlist-{netlist}" if netlist == ecp5.TARGET else "-netlist"
    )
    folder = workspace.simulations / f"{simulator}{level}"
    verdict = folder / f"{stalls}.json"
    verdict.unlink(missing_ok=True)
    with _bar(f"{simulator}, stalls {stalls}") as advance:
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
                target=netlist or "xilinx",
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
        more = (
            f" ({len(result.failures)} failures, all in {verdict})"
            if len(result.failures) > 1
            else ""
        )
        raise ProofFailed(
            f"{result.design}, stalls {stalls}, seed {seed}: {result.failures[0]}{more}; {again}"
        )
    print(_success(result, verdict))
    _print_accuracy(result, tests)


def _netlist(config: Config, workspace: Workspace, manifest: Manifest, target: str) -> Path:
    """The netlist of the present design for ``target``."""
    if target == ecp5.TARGET:
        found = workspace.synthesis / f"{ecp5.TARGET}.{mapped.VERILOG}"
        if targets.current(workspace, manifest, target) is None or not found.is_file():
            command = f"{workspace.command('synth')} --target {target}"
            raise MissingStep(f"no netlist of this design for {target}: run `{command}` first")
        return found
    if results.synthesis(config, workspace, manifest) is None:
        raise MissingStep(f"no netlist of this design: run `{workspace.command('synth')}` first")
    return workspace.synthesis / NETLIST


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
        f"{level} on {result.simulator} {result.version} = integer reference on all {result.frames} images, "
        f"stalls {result.stalls}, seed {result.seed}: {result.compared_words:,} words compared{cycles} "
        f"({result.cycles_per_second:,.0f} a second) -> {verdict}"
    )


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar, and yield what advances it."""
    with tqdm(desc=f"{title}: compiling", unit="word", leave=False, disable=None) as bar:

        def advance(done: int, total: int) -> None:
            if done > bar.n:
                bar.total = total
                bar.set_description(title, refresh=False)
                bar.update(done - bar.n)

        yield advance


def package(config: Config, workspace: Workspace, *, clock_mhz: float = 100.0) -> None:
    """Write the folder that a project for an FPGA can take over as it is."""
    manifest, network = load_manifest(workspace), load_network(workspace)
    images = Vectors.load(workspace.vectors).images
    files = packing.write(
        network, manifest, workspace.design, workspace.package, images, clock_mhz=clock_mhz
    )
    print(
        f"{len(files)} files, AXI4-Stream core {manifest.top!r} at {clock_mhz:g} MHz -> {workspace.package}"
    )


def estimate(config: Config, workspace: Workspace) -> None:
    """Print what the formulas say of each layer against the device."""
    part = device(config.hardware.device)
    found = results.estimated(config, workspace, load_network(workspace))
    if found is None:
        raise ConfigError(f"hardware.device: no formulas for {part}")
    print(estimates.table(found, part).text())


def synth(config: Config, workspace: Workspace, minutes: float | None = None) -> None:
    """Synthesise the Verilog, print the resources of each layer against the device.

    ``minutes``: after which Yosys is stopped.
    """
    manifest = load_manifest(workspace)
    result = synthesise(
        [workspace.design / manifest.files["verilog"].file],
        workspace.design,
        manifest.top,
        workspace.synthesis,
        device(config.hardware.device),
        progress=show_progress,
        minutes=minutes,
    )
    data = results.gather(config, workspace, load_network(workspace), manifest, None)
    print(sections.resources_table(data).text())
    print(
        f"{result.total.dsp} DSP, {result.tool}, {result.seconds:.1f} s -> {workspace.synthesis / RESULT}"
    )


def report(config: Config, workspace: Workspace) -> None:
    """Gather what the steps left into report.html and report.md."""
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
        f"{headline}. {detail}\n-> {workspace.report('html')}, {workspace.report('md')}, {workspace.tables}"
    )
    if data.verdict == "different":
        raise ProofFailed(f"the models differ: see {workspace.report('html')}")


def demo(config: Config, workspace: Workspace, *, frames: int | None = None) -> None:
    """Run the whole chain, simulating ``frames`` images; a checkpoint of the same settings is kept."""
    begin = time.monotonic()
    steps: list[tuple[str, Callable[[], None]]] = [
        ("train", lambda: train_once(config, workspace)),
        ("export", lambda: export(config, workspace)),
        ("generate", lambda: generate(config, workspace)),
        ("simulate", lambda: simulate(config, workspace, frames=frames)),
        ("simulate", lambda: simulate(config, workspace, stalls="none", frames=PLANNED_FRAMES)),
        ("synth", lambda: synth(config, workspace)),
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
