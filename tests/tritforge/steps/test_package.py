"""The folder that is handed on: complete, relative, and its own test passes on a simulator."""

from __future__ import annotations

import re
import shutil
import subprocess
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


def simulate(
    folder: Path, icarus: Path, run_in: Path, *defines: str
) -> subprocess.CompletedProcess[str]:
    program = run_in / "test.vvp"
    sources = [str(folder / name) for name in ("little.v", "cells.v", "little_test.v")]
    command = [str(icarus), "-g2005", "-o", str(program), "-s", "little_test", *defines, *sources]
    subprocess.run(command, check=True)
    vvp = str(icarus.with_name("vvp"))
    return subprocess.run(
        [vvp, "-n", str(program)], cwd=run_in, capture_output=True, text=True, check=False
    )


def test_its_own_test_passes_and_can_fail(made: Workspace, icarus: Path, tmp_path: Path) -> None:
    place = tmp_path / "package"
    shutil.copytree(made.package, place)
    done = simulate(place, icarus, place)
    assert done.returncode == 0
    assert re.search(r"^PASS: 2 output beats in \d+ cycles$", done.stdout, re.MULTILINE)
    answer = place / "test_output.mem"
    first, *rest = answer.read_text().split()
    answer.write_text("\n".join([f"{int(first, 16) ^ 1:x}", *rest]) + "\n")
    done = simulate(place, icarus, place)
    assert "FAIL: output beat 0 is" in done.stdout
    assert "PASS" not in done.stdout


def test_images_are_found_by_the_macro(made: Workspace, icarus: Path, tmp_path: Path) -> None:
    for name in ("test_input.mem", "test_output.mem"):
        shutil.copy(made.package / name, tmp_path / name)
    done = simulate(made.package, icarus, tmp_path, f'-D{package.ROM_PATH}="{made.package}/"')
    assert "PASS" in done.stdout
    assert "PASS" not in simulate(made.package, icarus, tmp_path).stdout


def test_the_clock_is_checked(made: Workspace) -> None:
    chosen = config.load(made.config_path)
    with pytest.raises(ValueError, match=r"^clock_mhz must be above 0, not 0$"):
        flow.package(chosen, made, clock_mhz=0)
