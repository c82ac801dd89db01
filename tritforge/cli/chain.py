"""The commands of the chain from training to simulation, and `demo`, which runs all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tritforge.cli.arguments import at_least, positive
from tritforge.cli.command import NETWORK, argument, command, configured
from tritforge.errors import ConfigError
from tritforge.hw.targets.registry import FAMILIES
from tritforge.sim.simulators import Simulator
from tritforge.sim.stalls import Stalls

__all__ = ["demo", "export", "generate", "package", "simulate", "train"]

_FRAMES = argument("--frames", type=at_least(1), help="held-out images to simulate (default: all)")


@command(
    *NETWORK,
    argument("--epochs", type=at_least(1), help="instead of the configuration's"),
    argument("--seed", type=at_least(0), help="instead of the configuration's"),
    argument("--fold", type=at_least(0), help="to hold out, instead of the configuration's"),
    argument(
        "--compare",
        nargs="+",
        metavar="CONFIG",
        help="train each of these, or all variants of a file that has some, unless that is done, "
        "and write one table and pictures to build/compare",
    ),
    argument(
        "--jobs",
        type=at_least(1),
        help="with --compare: trainings at the same time, such as several on one GPU (default: 1)",
    ),
    argument(
        "--no-resume", dest="resume", action="store_false", help="restart an interrupted training"
    ),
)
def train(
    config: str,
    build: Path | None,
    *,
    compare: list[str] | None,
    jobs: int | None,
    resume: bool,
    **overrides: Any,
) -> None:
    """Train the ternary network.

    Writes to <build>/train: model.safetensors and model.json (the checkpoint), log.csv (loss and
    accuracy of each epoch), curve.png. An interrupted training continues where it stopped.
    """
    from tritforge.config.config import expand, override

    if compare:
        from tritforge.steps.compare import train_and_compare

        paths = [path for name in compare for path in expand(name)]
        train_and_compare(paths, build or Path("build"), jobs=jobs or 1)
        return
    if jobs:
        raise ConfigError(
            "--jobs is for --compare alone: torchrun shares one training among processes"
        )
    from tritforge.steps import flow

    loaded, workspace = configured(config, build)
    flow.train(override(loaded, **overrides), workspace, resume=resume)


@command(
    *NETWORK,
    argument(
        "--random-weights",
        type=at_least(0),
        metavar="SEED",
        help="instead of a trained network: random ternary weights and random images",
    ),
    argument("--images", type=at_least(1), metavar="N", help="random images (default: 16)"),
    argument("--force", action="store_true", help="even if nothing has changed"),
)
def export(
    config: str, build: Path | None, *, images: int | None, random_weights: int | None, force: bool
) -> None:
    """Lower the trained network to integers and prove them equal to torch.

    Proves that every integer of every layer equals the float64 torch model's on every held-out
    image. Writes to <build>/design: network.json and network.safetensors (the integer network),
    vectors.safetensors (held-out images and torch's integers), host.json (how to feed the core),
    export.json (what was proved, for which files). An export of what has not changed does nothing.
    """
    from tritforge.steps import flow

    loaded, workspace = configured(config, build)
    if images is not None and random_weights is None:
        raise ConfigError("--images is for --random-weights alone")
    count = images or flow.RANDOM_IMAGES
    flow.export(loaded, workspace, random_weights=random_weights, count=count, force=force)


@command(
    *NETWORK,
    argument("--force", action="store_true", help="even if the device is too small for the plan"),
)
def generate(config: str, build: Path | None, **options: Any) -> None:
    """Generate Verilog and ROM images.

    Writes to <build>/design: <name>.v, <layer>.<role>.mem, .coe and .mif for each ROM, plan.json
    (FIFO depths and cycles) and manifest.json (ports, streams, cycles, and the SHA-256 of every
    file). A changed folding needs this command alone.
    """
    from tritforge.steps import flow

    flow.generate(*configured(config, build), **options)


@command(
    *NETWORK,
    argument(
        "--clock-mhz",
        type=positive,
        default=100.0,
        help="of the timing constraint (default: %(default)g)",
    ),
)
def package(config: str, build: Path | None, **options: Any) -> None:
    """Write a folder that a Vivado or FuseSoC project takes over as it is.

    Writes to <build>/package: the Verilog, the ROM images, files.f, <name>.xdc, vivado_package.tcl
    (an IP with AXI4-Stream interfaces), vivado_synth.tcl, <name>.core (FuseSoC) and a test with
    known answers.
    """
    from tritforge.steps import flow

    flow.package(*configured(config, build), **options)


@command(
    *NETWORK,
    argument(
        "--simulator",
        choices=[simulator.value for simulator in Simulator],
        default="verilator",
        help="default: %(default)s",
    ),
    argument("--wave", action="store_true", help="record every signal as FST"),
    argument(
        "--netlist",
        action="store_true",
        help="simulate the netlist that `synth` made of the Verilog, in the cells of the FPGA",
    ),
    argument(
        "--target",
        choices=FAMILIES,
        help="with --netlist: the target of the synthesis (default: hardware.device)",
    ),
    argument("--seed", type=at_least(0), default=0, help="of the stalls (default: %(default)s)"),
    _FRAMES,
    argument(
        "--first",
        type=at_least(0),
        default=0,
        help="number of the first of these images (default: %(default)s)",
    ),
    argument(
        "--jobs",
        type=at_least(1),
        help="simulators at the same time (default: one for each processor)",
    ),
    argument(
        "--stalls",
        choices=[stalls.value for stalls in Stalls],
        default="random",
        help="pauses of source and sink (default: %(default)s)",
    ),
)
def simulate(
    config: str, build: Path | None, *, netlist: bool, target: str | None, **options: Any
) -> None:
    """Simulate the Verilog and compare every layer bit for bit.

    Writes to <build>/simulate/<simulator>, for a netlist <simulator>-netlist or, of another FPGA
    than the configured one, -netlist-<target>: <stalls>.json (the verdict), build/ and run/ with
    the logs, and with --wave run/dump.fst.
    """
    from tritforge.steps import flow

    loaded, workspace = configured(config, build)
    made_for = (target or loaded.hardware.target.NAME) if netlist else None
    flow.simulate(loaded, workspace, netlist=made_for, **options)


@command(*NETWORK, _FRAMES)
def demo(config: str, build: Path | None, **options: Any) -> None:
    """All of the above, one after the other.

    Writes everything that the other commands write.
    """
    from tritforge.steps import flow

    flow.demo(*configured(config, build), **options)
