"""A small but complete set of results to make reports of; every figure is invented, the structure
is not."""

from __future__ import annotations

import numpy as np
import pytest

from tests.targets import XC7
from tritforge.export.artifacts.manifest import LayerEntry, Manifest, Stream
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import (
    ArgMax,
    Bias,
    Convolution,
    Dense,
    Flatten,
    Network,
    TensorType,
    Threshold,
)
from tritforge.export.ir.pools import MaxPool
from tritforge.reports.page.data import Comparison, CycleRun, Epoch, ReportData, Training
from tritforge.reports.synth.fpga import Synthesis
from tritforge.reports.synth.netlist import Instance
from tritforge.reports.synth.resources import Resources


def make_network(seed: int = 0) -> Network:
    """The demo's network with random weights: convolution, pool, convolution, dense, arg max."""
    rng = np.random.default_rng(seed)

    def trits(*shape: int) -> np.ndarray:
        return rng.choice([-1, 0, 1], size=shape, p=[0.3, 0.42, 0.28]).astype(np.int8)

    def ascending(channels: int) -> np.ndarray:
        return np.sort(rng.integers(-40, 40, size=(channels, 3)), axis=1)

    u2 = DataType(2, signed=False)
    return Network(
        "digits",
        TensorType(8, 8, 1, DataType(4, signed=False)),
        (
            Convolution(name="conv1", input="input", planes=trits(1, 16, 1, 3, 3), padding=(1, 1)),
            Threshold(name="act1", input="conv1", thresholds=ascending(16), output=u2),
            MaxPool(name="pool1", input="act1", size=(2, 2)),
            Convolution(name="conv2", input="pool1", planes=trits(1, 24, 16, 3, 3), padding=(1, 1)),
            Threshold(name="act2", input="conv2", thresholds=ascending(24), output=u2),
            Flatten(name="flatten", input="act2"),
            Dense(name="classifier", input="flatten", planes=trits(1, 10, 384)),
            Bias(name="classifier_bias", input="classifier", bias=np.arange(10)),
            ArgMax(name="argmax", input="classifier_bias"),
        ),
    )


FOLDINGS = {"conv1": (4, 1, 2_304), "conv2": (8, 16, 432), "classifier": (2, 8, 240)}
"""PE, SIMD and cycles a frame of each layer with weights."""


def make_manifest(network: Network) -> Manifest:
    """A manifest as the generator writes it: a layer for each stage, a stream for each boundary."""
    layers, streams = [], []
    for node in network.matrix_nodes():
        pe, simd, interval = FOLDINGS[node.name]
        rows, columns = node.matrix().shape
        layers.append(
            LayerEntry(
                name=node.name,
                engine="array",
                rows=rows,
                columns=columns,
                folding={"pe": pe, "simd": simd, "packing": "2bit"},
                weights=node.planes.size,
                nonzeros=int(np.count_nonzero(node.planes)),
                interval_cycles=interval,
            )
        )
    layers.insert(1, LayerEntry(name="pool1", engine="pool", interval_cycles=256))
    layers.append(LayerEntry(name="argmax", engine="argmax", interval_cycles=10))
    carried = {"conv1": "act1", "pool1": "pool1", "conv2": "act2", "classifier": "classifier_bias"}
    for layer, tensor in carried.items():
        kind = network.types[tensor]
        streams.append(
            Stream(
                layer,
                layer,
                tensor,
                f"core.{layer}.o",
                kind.shape,
                str(kind.dtype),
                1,
                2,
                kind.size,
            )
        )
    streams.append(
        Stream("m_axis", None, "argmax", "m_axis", (1, 1, 1), "u4", 1, 4, 1, axi=True, tdata_bits=8)
    )
    return Manifest(
        name="digits",
        top="digits",
        generator={"tritforge": "0.1.0", "amaranth": "0.5.10"},
        files={},
        ports=(),
        streams=tuple(streams),
        layers=tuple(layers),
        interval_cycles=2_304,
        latency_cycles=3_021,
        device="xc7k480t",
    )


def make_synthesis() -> Synthesis:
    """A count with a cell of every kind but DSP."""
    owned = {
        "": Resources(lut=12, ff=20, lut_sites=9),
        "core": Resources(lut=4, ff=0, lut_sites=4),
        "core.conv1": Resources(lut=180, inv=3, ff=140, carry=30, lut_sites=150),
        "core.conv1.window": Resources(lut=60, lutram=12, ff=44, lut_sites=50),
        "core.pool1": Resources(lut=70, srl=8, ff=90, lut_sites=60),
        "core.conv2": Resources(lut=1_420, ff=980, carry=210, muxf=14, bram18=1, lut_sites=1_180),
        "core.conv2.window": Resources(lut=210, lutram=64, ff=160, lut_sites=170),
        "core.classifier": Resources(lut=240, ff=190, carry=40, bram36=1, lut_sites=200),
        "core.argmax": Resources(lut=50, ff=40, carry=8, lut_sites=44),
    }
    return Synthesis(
        top="digits",
        device="xc7k480t",
        tool="Yosys 0.70 (git sha1 28ba3cb92)",
        script=XC7.synthesis(("digits.v",), "digits"),
        inputs={"digits.v": "0" * 64},
        netlist_sha256="0" * 64,
        seconds=21.5,
        parts=tuple(
            Instance(path, path.rpartition(".")[2] or "digits", own) for path, own in owned.items()
        ),
        key="0" * 64,
    )


def make_data() -> ReportData:
    """A report with nothing missing."""
    network = make_network()
    words = {
        name: network.types[name].size * 360
        for name in ("act1", "pool1", "act2", "classifier_bias", "argmax")
    }
    epochs = tuple(
        Epoch(epoch=e, loss=2.3 * 0.9**e + 0.04, accuracy=1 - 0.85 * 0.86**e) for e in range(1, 41)
    )  # fmt: skip
    versions = ("Verilator 5.048", "random"), ("Icarus 11.0", "random"), ("Verilator 5.048", "none")
    return ReportData(
        network=network,
        manifest=make_manifest(network),
        training=Training(
            dataset="digits: 1,797 handwritten 8x8 digits of scikit-learn",
            method="ICS, threshold factor 0.05",
            epochs=40,
            seed=0,
            images=360,
            correct=352,
            model="integer reference, equal to torch in float64 and to the Verilog",
            fold=0,
            folds=5,
            seconds=12.3,
            log=epochs,
        ),
        comparisons=(
            Comparison(
                judged="torch, float64",
                against="integer reference",
                images=360,
                words=words,
                differences=0,
                conditions="evaluation mode",
            ),
            *(
                Comparison(
                    judged=f"Verilog on {simulator}",
                    against="integer reference",
                    images=360,
                    words=words,
                    differences=0,
                    conditions=f"stalls: {stalls}, seed 0",
                )
                for simulator, stalls in versions
            ),
        ),
        cycles=(
            CycleRun(
                simulator="Verilator 5.048",
                stalls="none",
                frames=360,
                cycles=830_157,
                planned=830_157,
            ),
            CycleRun(
                simulator="Verilator 5.048",
                stalls="random",
                frames=360,
                cycles=1_301_442,
                cycles_per_second=61_200.4,
            ),
        ),
        synthesis=make_synthesis(),
        versions={"python": "3.11.2", "torch": "2.13.0", "numpy": "2.3.0", "cocotb": "2.1.0"},
        commands=("make demo", "# or step by step", "tritforge train networks/digits.yaml"),
    )


@pytest.fixture(scope="session")
def network() -> Network:
    return make_network()


@pytest.fixture(scope="session")
def data() -> ReportData:
    return make_data()


@pytest.fixture(scope="session")
def manifest(network: Network) -> Manifest:
    return make_manifest(network)


@pytest.fixture(scope="session")
def synthesis() -> Synthesis:
    return make_synthesis()


@pytest.fixture(scope="session")
def bare(data: ReportData) -> ReportData:
    """Nothing but a plan: no training, no comparison, no synthesis."""
    return ReportData(network=data.network, manifest=data.manifest)
