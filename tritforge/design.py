"""A network as hardware: one object that writes, simulates, synthesises and estimates it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tritforge.export.artifacts.manifest import CELLS, FileEntry, Manifest, ManifestError
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import Network
from tritforge.files import write_atomic
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.engines.registry import Folding
from tritforge.hw.pipeline import verilog
from tritforge.hw.pipeline.fifo_depths import Fifos
from tritforge.hw.pipeline.plan import Plan, Solved, plan
from tritforge.hw.stream.axi_stream import Tdata
from tritforge.reports.devices import device as device_named
from tritforge.reports.devices import families
from tritforge.reports.estimate.estimate import Estimate, estimate
from tritforge.reports.synth.fpga import Synthesis, synthesise
from tritforge.sim import reference, runner
from tritforge.sim.result import SimulationResult
from tritforge.types import IntArray

if TYPE_CHECKING:
    from tritforge.export.lowering.lower import Lowered  # which imports torch

__all__ = ["DEVICE", "Design"]

DEVICE = "xc7k480t"
"""Part of a design without a ``device``."""

CELLS_FILE = "cells.v"


class Design:
    """A network whose layers are folded onto hardware.

    Parameters
    ----------
    network: the integer network, or the result of `tritforge.lower`.
    foldings: engine and folding of each layer with weights, by the layer's name.
    device: the part that resources are compared with (`tritforge devices`).
    cells: adders and comparators are cells of the device by name; else synthesis chooses.
    axi_lite: add the AXI4-Lite register block.
    fifos: FIFOs besides those before residual additions.
    tdata: TDATA widths; by default those of the first and the last layer.
    solved: `Plan.solved` of the same design, which saves solving FIFO depths and cycles again.

    Raises
    ------
    PlanError: a folding is missing, unknown or does not fit; or nothing can be built for the part.
    DeviceError: the part is unknown.
    """

    def __init__(
        self,
        network: Network | Lowered,
        foldings: Mapping[str, Folding],
        *,
        device: str = DEVICE,
        cells: bool = True,
        axi_lite: bool = False,
        fifos: Fifos = Fifos.JOINS_ONLY,
        tdata: Tdata = Tdata.NATIVE,
        solved: Solved | None = None,
    ) -> None:
        self.network: Network = network if isinstance(network, Network) else network.network
        self.device = device_named(device)
        target = self.device.built_for(cells=cells)
        if target is None:
            raise PlanError(f"device must be of {families()}, not {self.device}")
        self.axi_lite = axi_lite
        self.plan: Plan = plan(self.network, foldings, target, fifos, solved, tdata)

    @property
    def interval_cycles(self) -> int:
        """Initiation interval: cycles from frame to frame in the steady state, without stalls."""
        return int(self.plan.interval_cycles)

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first input beat to the last output beat of a frame, without stalls."""
        return int(self.plan.latency_cycles)

    @cached_property
    def _verilog(self) -> str:
        return str(verilog.generate(self.plan, self.axi_lite))

    def verilog(self) -> str:
        """Return the Verilog of the design, one text that reads the ROM images of `write`."""
        return self._verilog

    def reference(self, images: npt.NDArray[np.integer]) -> IntArray:
        """Compute the output bit-exactly in numpy, as the hardware does.

        Parameters
        ----------
        images: integers [N, H, W, C] of the network's input type (`Lowered.codes` makes them).

        Returns
        -------
        int64 [N, H, W, C] of the output; the class for a network that ends in an argmax.
        """
        output = self.network.output
        return reference.run(self.network, images, [output])[output]

    def tensors(self, images: npt.NDArray[np.integer]) -> dict[str, IntArray]:
        """Return every tensor of `reference`'s computation by name, "input" included."""
        return reference.run(self.network, images)

    def estimate(self) -> Estimate:
        """Return the estimated resources."""
        return estimate(self.plan, registers=self.axi_lite)

    def write(
        self, folder: str | os.PathLike[str], others: Mapping[str, str] | None = None
    ) -> Manifest:
        """Write network, tensors, ROM images, Verilog and manifest into ``folder``.

        ROM images that an earlier design left there are removed. The manifest is written last, so
        that an interrupted call leaves files that it refuses.

        Parameters
        ----------
        folder: made when missing.
        others: names of more files in ``folder`` that belong to the design, by their role.

        Returns
        -------
        The manifest, which names every file with its SHA-256.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        name = self.network.name
        names = {
            "verilog": f"{name}.v",
            "network": serialize.NETWORK_FILE,
            "tensors": serialize.TENSOR_FILE,
            **(others or {}),
        }
        before = _images_of(folder)
        serialize.save(self.network, folder)
        roms = [FileEntry.of(image.write(folder)) for image, _ in self.plan.roms()]
        for stem in before - {Path(rom.file).stem for rom in roms}:
            for suffix in ("coe", "mem", "mif"):
                (folder / f"{stem}.{suffix}").unlink(missing_ok=True)
        write_atomic(folder / names["verilog"], self.verilog())
        if self.plan.target.cells:
            write_atomic(folder / CELLS_FILE, self.plan.target.cell_models())
            names[CELLS] = CELLS_FILE
        else:
            (folder / CELLS_FILE).unlink(missing_ok=True)
        files = {role: FileEntry.of(folder / file) for role, file in names.items()}
        manifest = self.describe(files, roms)
        manifest.write(folder)
        return manifest

    def describe(self, files: Mapping[str, FileEntry], roms: list[FileEntry]) -> Manifest:
        """Return the manifest of the design with these files; ``roms`` in the order of the plan."""
        manifest = verilog.describe(
            self.plan,
            files=dict(files),
            rom_entries=roms,
            device=self.device.part,
            registers=self.axi_lite,
        )
        assert isinstance(manifest, Manifest)
        return manifest

    def simulate(
        self,
        images: npt.NDArray[np.integer],
        folder: str | os.PathLike[str] | None = None,
        *,
        simulator: str = "verilator",
        stalls: str = "random",
        seed: int = 0,
        wave: bool = False,
    ) -> SimulationResult:
        """Write the design, simulate it, and compare every stream with the reference.

        Parameters
        ----------
        images: integers [N, H, W, C] of the network's input type.
        folder: where the design is written; its folder ``simulate`` has logs and waveform. None
            takes a temporary one.
        simulator: "verilator" or "icarus".
        stalls: how source and sink pause; with "none" the cycles must be the plan's.
        seed: of the pauses.
        wave: record every signal.

        Returns
        -------
        The verdict; a wrong design is a verdict, not an exception.
        """
        with _folder(folder) as place:
            self.write(place)
            return runner.simulate(
                place,
                images,
                simulator=simulator,
                build_dir=place / "simulate",
                stalls=stalls,
                seed=seed,
                wave=wave,
            )

    def synthesise(
        self, folder: str | os.PathLike[str] | None = None, *, minutes: float | None = None
    ) -> Synthesis:
        """Write the design and count its cells with Yosys.

        Parameters
        ----------
        folder: where the design is written; its folder ``synth`` has netlist and log. None takes a
            temporary one.
        minutes: after which Yosys is stopped; None sets no limit.
        """
        with _folder(folder) as place:
            manifest = self.write(place)
            source = place / manifest.files["verilog"].file
            return synthesise(
                [source], place, manifest.top, place / "synth", self.device, minutes=minutes
            )


@contextlib.contextmanager
def _folder(given: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Yield the folder that was given, or a temporary one."""
    if given is not None:
        yield Path(given)
        return
    with tempfile.TemporaryDirectory(prefix="tritforge-") as name:
        yield Path(name)


def _images_of(folder: Path) -> set[str]:
    """Stems of the ROM images that the design in ``folder`` has now."""
    with contextlib.suppress(ManifestError):
        return {Path(rom.file).stem for rom in Manifest.read(folder).roms}
    return set()
