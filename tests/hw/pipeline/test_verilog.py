import dataclasses
import gc
import re
import subprocess
import sys

import numpy as np
from amaranth.hdl import Fragment

from tests.hw.networks import FOLDINGS, convolutional
from tests.targets import GENERIC
from tritforge.export.artifacts.manifest import FileEntry, PortEntry
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Bias, Dense, Network, TensorType
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.pipeline import verilog
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.pipeline.verilog import describe, generate, version_word

SCRIPT = """
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.pipeline.verilog import generate
from tests.hw.networks import FOLDINGS, convolutional
from tests.targets import GENERIC
print(generate(plan(convolutional(), FOLDINGS, GENERIC)), end="")
"""


def test_the_same_bytes_in_another_process():
    text = generate(plan(convolutional(), FOLDINGS, GENERIC))
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs == [text, text]


def test_what_a_module_leaves_is_collected_before_the_next(monkeypatch):
    """Its objects refer to each other, so that no count of references frees them; the collector is
    off."""
    living, convert = [], verilog._convert

    def watched(component, name, platform):
        text = convert(component, name, platform)
        assert not gc.isenabled()
        living.append(sum(isinstance(one, Fragment) for one in gc.get_objects()))
        return text

    monkeypatch.setattr(verilog, "_convert", watched)
    generate(plan(convolutional(), FOLDINGS, GENERIC))
    assert len(living) > 1
    assert set(living) == {0}
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_modules_and_instances_bear_the_names_of_the_layers():
    text = generate(plan(convolutional(), FOLDINGS, GENERIC))
    modules = re.findall(r"^module (\S+) ?[(#]", text, flags=re.MULTILINE)
    assert modules[0] == "sample"
    assert modules[-1] == "tritforge_rom"
    for name in (
        "sample_core",
        "sample_core_conv1",
        "sample_core_conv1_window",
        "sample_core_conv2_array",
    ):
        assert name in modules
    assert not any(name.startswith("\\") for name in modules)
    assert re.search(r"^  sample_core_conv1 +conv1 \($", text, flags=re.MULTILINE)


def test_paths_that_read_alike_are_different_modules():
    """A layer `last` with a unit `bias` beside a layer `last_bias`, in any case of the letters."""
    names = ["last", "last_bias", "LAST_bias", "last_bias_2"]
    planes = np.array([[[1, -1], [0, 1]]], dtype=np.int8)
    nodes, source = [], "input"
    for name in names:
        nodes += [
            Dense(name=name, input=source, planes=planes),
            Bias(name=f"{name}_sum", input=name, bias=np.array([1, 2])),
        ]
        source = nodes[-1].name
    network = Network("net", TensorType(1, 1, 2, DataType.parse("u2")), tuple(nodes))
    text = generate(plan(network, dict.fromkeys(names, ArrayFolding(pe=1, simd=1)), GENERIC))
    modules = re.findall(r"^module (\S+) ?[(#]", text, flags=re.MULTILINE)
    assert len({module.lower() for module in modules}) == len(modules)
    assert any(module.lower() == "net_core_last_bias_2" for module in modules)
    instances = re.findall(r"^  (net_core_\w+) +(\w+) \($", text, flags=re.MULTILINE)
    assert {name for _, name in instances} >= set(names)
    assert {module for module, _ in instances} <= set(modules)


def test_the_register_block_has_its_ports_in_verilog_and_manifest():
    design = plan(convolutional(), FOLDINGS, GENERIC)
    text = generate(design, registers=True)
    assert re.findall(r"\\[A-Za-z]\w*\$\d+|\\\$(?:signal|signature|like)\S*", text) == []
    assert re.search(r"^  output \[31:0\] s_axil_rdata;$", text, flags=re.MULTILINE)
    assert "s_axil" not in generate(design)
    images = [FileEntry(f"{image.stem}.mem", "0" * 64) for image, _ in design.roms()]
    for registers in (False, True):
        manifest = describe(design, files={}, rom_entries=images, device=None, registers=registers)
        found = [port for port in manifest.ports if port.name == "s_axil_rdata"]
        assert found == ([PortEntry("s_axil_rdata", "output", 32)] if registers else [])


def test_the_version_as_a_word(monkeypatch):
    for text, word in (("0.1.0", 0x100), ("1.2.3.dev4", 0x010203), ("2.300", 0x02FF00)):
        monkeypatch.setattr(
            "tritforge.hw.pipeline.verilog.metadata.version", lambda name, text=text: text
        )
        assert version_word() == word


def test_no_name_was_made_up_for_a_signal():
    """Amaranth numbers signals whose names clash; in waves nobody could tell them apart."""
    text = generate(plan(convolutional(), FOLDINGS, GENERIC))
    assert re.findall(r"\\[A-Za-z]\w*\$\d+", text) == []
    assert re.findall(r"\\\$(?:signal|signature|like)\S*", text) == []


def test_weights_are_read_from_images_and_stand_nowhere_in_the_text():
    """A retrained network of the same widths swaps its images and keeps its Verilog."""
    network = convolutional()
    conv1 = network.nodes[0]
    mirrored = dataclasses.replace(
        conv1, planes=conv1.planes[..., ::-1]
    )  # other weights, the same counts in each row
    other = Network(network.name, network.input, (mirrored, *network.nodes[1:]))
    assert (mirrored.planes != conv1.planes).any()
    text = generate(plan(network, FOLDINGS, GENERIC))
    assert '.FILE("conv1.weights.mem")' in text
    assert generate(plan(other, FOLDINGS, GENERIC)) == text


def test_no_signal_has_no_bits():
    """Foldings that leave one pass, one beat, one channel or one lane must not lead to a range
    [-1:0]."""
    one_lane = {name: ArrayFolding(pe=1, simd=1) for name in FOLDINGS}
    assert "[-1:0]" not in generate(plan(convolutional(), one_lane, GENERIC))
    foldings = {
        "conv1": ArrayFolding(pe=4, simd=18),
        "conv2": ArrayFolding(pe=6, simd=16),
        "classifier": ArrayFolding(pe=5, simd=24),
    }
    assert "[-1:0]" not in generate(plan(convolutional(), foldings, GENERIC))
