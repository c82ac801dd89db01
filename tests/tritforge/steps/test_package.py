"""The folder that is handed on: complete, relative, and its own test passes on a simulator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.chain import make
from tritforge.config import config
from tritforge.reports.synth import vivado
from tritforge.sim.simulators import Simulator, ToolMissing, locate
from tritforge.steps import flow, package
from tritforge.steps.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small network, packed; not to be changed."""
    place = make(tmp_path_factory.mktemp("package"))
    flow.package(config.load(place.config_path), place, clock_mhz=125.0)
    return place


def test_every_file_is_there(made: Workspace) -> None:
    names = {path.name for path in made.package.iterdir()}
    design = {path.name for path in made.design.iterdir() if path.suffix == ".mem"}
    assert design
    scripts = {"files.f", "little.xdc", "little.core"}
    scripts |= {"vivado_package.tcl", "vivado_synth.tcl", "vivado_project.tcl"}
    test = {"little_test.v", "test_input.mem", "test_output.mem"}
    assert names == design | scripts | test | {"little.v", "cells.v"}
    assert not made.package.with_name("package.new").exists()


def test_the_core_file_names_files_that_are_there(made: Workspace) -> None:
    text = (made.package / "little.core").read_text()
    head, _, body = text.partition("\n")
    assert head == "CAPI=2:"
    core = yaml.safe_load(body)
    assert re.fullmatch(r"tritforge:networks:little:[\d.]+", core["name"])
    listed = set()
    for fileset in core["filesets"].values():
        listed |= {
            entry if isinstance(entry, str) else next(iter(entry)) for entry in fileset["files"]
        }
    scripts = {
        "files.f",
        "vivado_package.tcl",
        "vivado_synth.tcl",
        "vivado_project.tcl",
        "little.core",
    }
    assert listed == {path.name for path in made.package.iterdir()} - scripts
    for target in core["targets"].values():
        assert set(target["filesets"]) <= set(core["filesets"])
    # an image must lie under its bare name where the simulator runs
    assert all(
        entry == {name: {"copyto": name}}
        for entry in core["filesets"]["rom"]["files"]
        for name in entry
    )


@pytest.mark.parametrize("script", ["vivado_package.tcl", "vivado_synth.tcl", "vivado_project.tcl"])
def test_a_script_is_whole_and_its_paths_are_relative(made: Workspace, script: str) -> None:
    text = (made.package / script).read_text()
    for pair in ("{}", "[]"):
        assert text.count(pair[0]) == text.count(pair[1]) > 0
    assert len(re.findall(r'(?<!\\)"', text)) % 2 == 0
    named = set(re.findall(r"\$here/([\w.]+\.(?:v|mem|xdc))\b", text))
    assert "little.v" in named
    assert all((made.package / name).is_file() for name in named)
    assert {path.name for path in made.design.glob("*.mem")} <= named
    assert str(made.root) not in text


@pytest.mark.parametrize("script", ["vivado_synth.tcl", "vivado_project.tcl"])
def test_what_vivado_leaves_is_what_a_report_reads(made: Workspace, script: str) -> None:
    text = (made.package / script).read_text()
    for name in (vivado.UTILIZATION, vivado.LAYERS, vivado.TIMING):
        assert f"-file $here/{name}\n" in text
    assert "out_of_context" in text


def test_the_constraint_is_the_clock_asked_for(made: Workspace) -> None:
    text = (made.package / "little.xdc").read_text()
    assert "create_clock -name aclk -period 8.000 -waveform {0.000 4.000} [get_ports aclk]" in text


@pytest.fixture(scope="module")
def icarus() -> Path:
    try:
        return Path(locate(Simulator.ICARUS).path)
    except ToolMissing as missing:
        pytest.skip(str(missing))


def build(folder: Path, icarus: Path, program: Path, *defines: str) -> Path:
    """Compile the package in ``folder`` with its test."""
    sources = [str(folder / name) for name in ("little.v", "cells.v", "little_test.v")]
    command = [str(icarus), "-g2005", "-o", str(program), "-s", "little_test", *defines, *sources]
    subprocess.run(command, check=True)
    return program


def simulate(program: Path, run_in: Path, icarus: Path) -> subprocess.CompletedProcess[str]:
    command = [str(icarus.with_name("vvp")), "-n", str(program)]
    return subprocess.run(command, cwd=run_in, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def program(made: Workspace, icarus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(made.package, icarus, tmp_path_factory.mktemp("program") / "test.vvp")


@pytest.fixture
def place(made: Workspace, tmp_path: Path) -> Path:
    """A copy of the package that a test may change."""
    return Path(shutil.copytree(made.package, tmp_path / "package"))


def test_its_own_test_passes(program: Path, place: Path, icarus: Path) -> None:
    done = simulate(program, place, icarus)
    assert done.returncode == 0
    assert re.search(r"^PASS: 2 output beats in \d+ cycles$", done.stdout, re.MULTILINE)


def absent(path: Path) -> None:
    path.unlink()


def short(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def long(path: Path) -> None:
    path.write_text(path.read_text() * 2)


def unknown(path: Path) -> None:
    first, *rest = path.read_text().split()
    path.write_text("\n".join(["x" * len(first), *rest]) + "\n")


def no_number(path: Path) -> None:
    *rest, last = path.read_text().split()
    path.write_text("\n".join([*rest, f"g{last}"]) + "\n")


@pytest.fixture
def rom(made: Workspace) -> str:
    """Name of a ROM image of the package."""
    return next(path.name for path in sorted(made.design.glob("*.mem")))


@pytest.mark.parametrize("spoil", [absent, short, long, unknown, no_number])
@pytest.mark.parametrize("which", ["rom", "test_input.mem", "test_output.mem"])
def test_a_memory_file_that_is_not_whole_fails_it(
    program: Path, place: Path, icarus: Path, rom: str, which: str, spoil: Callable[[Path], None]
) -> None:
    name = rom if which == "rom" else which
    spoil(place / name)
    done = simulate(program, place, icarus)
    assert done.returncode != 0
    assert "FATAL" in done.stdout
    assert name in done.stdout
    assert "PASS" not in done.stdout


def test_a_wrong_answer_fails_it(program: Path, place: Path, icarus: Path) -> None:
    answer = place / "test_output.mem"
    first, *rest = answer.read_text().split()
    answer.write_text("\n".join([f"{int(first, 16) ^ 1:x}", *rest]) + "\n")
    done = simulate(program, place, icarus)
    assert done.returncode != 0
    assert "FAIL: output beat 0 is" in done.stdout
    assert "PASS" not in done.stdout


@pytest.mark.parametrize("valid", ["1'b0", "1'bx"])
def test_a_core_that_gives_nothing_fails_it(place: Path, icarus: Path, valid: str) -> None:
    bench = place / "little_test.v"
    text = bench.read_text()
    assert ".m_axis_tvalid(give)" in text
    text = text.replace(".m_axis_tvalid(give)", ".m_axis_tvalid()")
    bench.write_text(
        text.replace("    initial begin", f"    assign give = {valid};\n    initial begin")
    )
    done = simulate(build(place, icarus, place / "test.vvp"), place, icarus)
    assert done.returncode != 0
    assert re.search(r"FAIL: 0 of 2 output beats after \d+ cycles", done.stdout)
    assert "PASS" not in done.stdout


def test_every_memory_file_is_found_by_the_macro(
    made: Workspace, icarus: Path, tmp_path: Path
) -> None:
    define = f'-D{package.ROM_PATH}="{made.package}/"'
    found = build(made.package, icarus, tmp_path / "test.vvp", define)
    assert "PASS" in simulate(found, tmp_path, icarus).stdout


@pytest.mark.verify
def test_verilator_says_the_same(place: Path, rom: str, tmp_path: Path) -> None:
    """Two states: it knows no X, and warns alone of a file that is not there."""
    try:
        tool = locate(Simulator.VERILATOR)
    except ToolMissing as missing:
        pytest.skip(str(missing))
    sources = [str(place / name) for name in ("little.v", "cells.v", "little_test.v")]
    command = [
        tool.path,
        "--binary",
        "--timing",
        "-Wno-fatal",
        "-CFLAGS",
        "-std=gnu++20 -fcoroutines",
    ]
    subprocess.run(
        [*command, "--top-module", "little_test", "--Mdir", str(tmp_path / "obj"), *sources],
        check=True,
        capture_output=True,
        env=os.environ | tool.environment,
    )
    program = str(tmp_path / "obj" / "Vlittle_test")

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([program], cwd=place, capture_output=True, text=True, check=False)

    assert run().returncode == 0
    for name in (rom, "test_input.mem", "test_output.mem"):
        for spoil in (absent, short, no_number):
            kept = (place / name).read_text()
            spoil(place / name)
            done = run()
            assert done.returncode != 0, (name, spoil)
            assert "PASS" not in done.stdout
            (place / name).write_text(kept)
    assert "PASS" in run().stdout


def test_the_clock_is_checked(made: Workspace) -> None:
    chosen = config.load(made.config_path)
    with pytest.raises(ValueError, match=r"^clock_mhz must be above 0, not 0$"):
        flow.package(chosen, made, clock_mhz=0)
