"""ASIC and ECP5 from the command line, on a design that was generated with cells of the 7
series."""

from __future__ import annotations

import dataclasses
import shutil

import pytest

from tests.chain import make
from tests.reports import vivado_reports
from tests.reports.synth import test_place
from tritforge.cli import main as cli
from tritforge.config import config
from tritforge.reports.synth import asic, fpga, liberty
from tritforge.reports.synth import place as placing
from tritforge.reports.synth.mapped import FORMAT
from tritforge.reports.synth.netlist import Instance
from tritforge.reports.synth.resources import Resources
from tritforge.steps import targets
from tritforge.steps.design import load_manifest, load_network
from tritforge.steps.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("targets"))


def run(place, *arguments):
    command, *options = arguments
    return cli.main([command, str(place.config_path), "--build", str(place.root), *options])


def test_gates_of_each_layer_are_printed_and_kept(made, capsys):
    assert run(made, "synth", "--target", "asic") == 0
    text = capsys.readouterr().out
    assert [line.split()[0] for line in text.splitlines()[4:9]] == [
        "conv1", "pool1", "conv2", "classifier", "argmax",
    ]  # fmt: skip
    assert "ASIC, memories" in text
    kept = FORMAT.read(made.synthesis / "asic.json")
    assert "$_DFF_P_" in {cell for part in kept.parts for cell in part.cells}
    assert "LUT6_2" not in (made.synthesis / "asic" / "little.v").read_text()


def test_a_library_without_flip_flops_ends_in_one_line(made, tmp_path, capsys):
    path = tmp_path / "gates.lib"
    path.write_text("library(gates) { cell(NAND2) { area : 1; } }")
    assert run(made, "synth", "--target", "asic", "--liberty", str(path)) == 2
    text = capsys.readouterr().err
    assert text == (
        f"tritforge: {path}: none of the 1 cells of library 'gates' is a flip-flop (has an ff "
        "group), "
        "and a network needs registers\n"
    )


def test_an_ecp5_is_counted_and_placed(made, monkeypatch, capsys):
    monkeypatch.setattr(placing, "_RUN", test_place.FAKE)
    monkeypatch.setattr(placing, "_version", lambda: "0.11")
    seen = []

    def synthesise(sources, rom_dir, top, folder, part, **_):
        """In place of Yosys: nothing but flip-flops."""
        (source,) = sources
        assert "LUT6_2" not in source.read_text()
        assert "CCU2C" in source.read_text()
        (folder / fpga.CELLS).write_text("{}")
        seen.append(part.part)
        own = Resources(lut=10, ff=4)
        return fpga.Synthesis(
            top=top, device=part.part, tool="Yosys", script=(), inputs={}, netlist_sha256="0" * 64,
            seconds=1.0, parts=(Instance("", top, own),), key="k",
        )  # fmt: skip

    monkeypatch.setattr(fpga, "synthesise", synthesise)
    assert run(made, "place", "--device", "lfe5u-25f", "--seed", "4", "--router", "router1") == 0
    text = capsys.readouterr().out
    assert "LFE5U-25F has" in text
    assert "70.50 MHz, " in text
    placed = placing.FORMAT.read(made.synthesis / "ecp5" / placing.PLACED)
    assert (placed.part, placed.seed, placed.tool) == ("lfe5u-25f", 4, "nextpnr-ecp5 0.11, router1")
    assert run(made, "synth", "--target", "ecp5") == 0
    assert "LFE5U-85F has" in capsys.readouterr().out
    assert seen == ["lfe5u-25f", "lfe5u-85f"]


def test_the_netlist_of_an_ecp5_is_simulated(made, tmp_path, capsys):
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    place = Workspace(config_path=made.config_path, root=tmp_path / "build")
    shutil.copytree(made.root, place.root)
    shutil.rmtree(place.synthesis, ignore_errors=True)
    simulate = (
        "simulate",
        "--netlist",
        "--target",
        "ecp5",
        "--simulator",
        "icarus",
        "--frames",
        "2",
    )
    assert run(place, *simulate) == 2
    missing = capsys.readouterr().err
    assert missing.startswith(
        "tritforge: no netlist of this design for ecp5: run `tritforge synth "
    )
    assert missing.endswith(" --target ecp5` first\n")
    assert run(place, "synth", "--target", "ecp5") == 0
    assert "CCU2C" in (place.synthesis / "ecp5" / fpga.NETLIST).read_text()
    capsys.readouterr()
    assert run(place, *simulate) == 0
    assert capsys.readouterr().out.startswith("Netlist on icarus")
    assert (place.simulations / "icarus-netlist-ecp5" / "random.json").is_file()
    assert run(place, "report") == 0
    assert "ECP5 netlist after synthesis on Icarus" in capsys.readouterr().out
    form = place.synthesis / "ecp5" / "little.v"
    form.write_text("// of an earlier design\n" + form.read_text())
    assert run(place, *simulate) == 2


def test_another_device_is_refused(made, capsys):
    assert run(made, "place", "--device", "xc7k480t") == 2
    message = "tritforge: --device must be one of lfe5u-25f, lfe5u-45f, lfe5u-85f, not 'xc7k480t'\n"
    assert capsys.readouterr().err == message


def test_a_generic_design_is_taken_as_it_is(made, monkeypatch):
    chosen = config.load(made.config_path)
    generic = dataclasses.replace(
        chosen, hardware=dataclasses.replace(chosen.hardware, primitives="generic")
    )
    taken = []

    def synthesise(source, roms, *_, **__):
        taken.append((source, len(roms)))
        raise liberty.LibertyError("enough")

    monkeypatch.setattr(asic, "synthesise", synthesise)
    with pytest.raises(liberty.LibertyError, match=r"^enough$"):
        targets.synth_asic(generic, made)
    assert taken == [(made.design / "little.v", 6)]


def test_a_report_has_what_was_measured_elsewhere(made, monkeypatch, tmp_path, capsys):
    place = Workspace(config_path=made.config_path, root=tmp_path / "build")
    shutil.copytree(made.root, place.root)
    network, manifest = load_network(place), load_manifest(place)
    assert run(place, "synth", "--target", "asic") == 0  # which an earlier test may have done

    def titles():
        return [table.title for table in targets.other_tables(place, network, manifest)]

    assert titles()[:2] == ["ASIC", "ASIC, memories"]
    assert titles()[-1] == "Energy per frame, modelled"
    assert run(place, "package") == 0
    vivado_reports.write(place.package)
    assert titles()[0] == "Resources, Vivado"
    assert run(place, "report") == 0
    assert "Resources, Vivado" in place.report("html").read_text()
    (place.package / "timing.txt").write_text(vivado_reports.TIMING.replace("{version}", "2040.1"))
    capsys.readouterr()
    assert run(place, "report") == 2
    message = "timing.txt: of Vivado 2040.1; reports of 2018 to 2025 are understood\n"
    assert capsys.readouterr().err.endswith(message)
    (place.package / "little.v").write_text("// of another design")
    assert "Resources, Vivado" not in titles()
    again = place.synthesis / "asic" / "little.v"
    first, _, rest = again.read_text().partition("\n")
    assert "CCU2C" not in rest
    again.write_text(f"{first}0\n{rest}")
    assert titles() == ["Energy per frame, modelled"]
