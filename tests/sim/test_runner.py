from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest

from tritforge.export.artifacts.manifest import Manifest, ManifestError
from tritforge.files import sha256
from tritforge.sim.runner import RESULT_FILE, SimulationFailed, simulate


def refuse(message, kind=ValueError):
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


def test_the_verdict_is_a_file_too(run_toy, bench_root, simulator):
    told = []
    result = run_toy(progress=lambda done, total: told.append((done, total)))
    written = json.loads((bench_root / simulator / RESULT_FILE).read_text())
    assert written == json.loads(result.to_json())
    assert written["passed"] is True
    assert written["compared_words"] == 96
    assert all(total == 24 for _, total in told)


def test_both_simulators_agree_on_every_cycle(run_toy):
    """Each simulator must show these very cycles under random pauses: no race decides anything."""
    result = run_toy(seed=1)
    assert [(report.name, report.first_cycle, report.frame_ends) for report in result.streams] == [
        ("s_axis", 15, (115, 243)),
        ("mix", 16, (116, 244)),
        ("act", 17, (117, 245)),
        ("m_axis", 17, (117, 245)),
    ]


def test_a_second_run_does_not_build_again(run_toy):
    run_toy()
    assert run_toy().build_seconds == 0.0


@pytest.mark.parametrize("simulator", ["icarus"], indirect=True)
def test_a_wave_is_recorded(toy, toy_frames, tmp_path, simulator):
    result = simulate(
        toy(), toy_frames, simulator=simulator, build_dir=tmp_path / "wave", wave=True
    )
    assert result.wave == str(tmp_path / "wave" / "run" / "dump.fst")
    assert (tmp_path / "wave" / "run" / "dump.fst").stat().st_size > 0


@pytest.mark.parametrize("simulator", ["icarus"], indirect=True)
def test_a_bench_that_does_not_compile(toy, toy_frames, tmp_path, simulator):
    design = toy()
    verilog = design / "toy.v"
    verilog.write_text(verilog.read_text().replace("module core", "module coarse"))
    manifest = Manifest.read(design)
    entry = dataclasses.replace(manifest.files["verilog"], sha256=sha256(verilog))
    dataclasses.replace(manifest, files={"verilog": entry}).write(design)
    where = "toy, images 0 to 1, stalls random, seed 0"
    message = rf"^{where}: icarus: the bench could not be built: .*core.*; see .*build.log$"
    with pytest.raises(SimulationFailed, match=message):
        simulate(design, toy_frames, simulator=simulator, build_dir=tmp_path / "build")
    assert not (tmp_path / "build" / RESULT_FILE).exists()


def test_a_changed_file_is_refused(toy, toy_frames, tmp_path):
    design = toy()
    image = design / "fault.mem"
    before = sha256(image)
    image.write_text("01\n")
    message = (
        f"{image}: its SHA-256 must be {before}, not {sha256(image)}; "
        "the file was changed after the design was generated, generate it again"
    )
    with refuse(message, ManifestError):
        simulate(design, toy_frames, build_dir=tmp_path / "build")


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("m_axis", None, "AXI stream 'm_axis' of the manifest must carry 'act', not None"),
        ("s_axis", "act", "AXI stream 's_axis' of the manifest must carry 'input', not 'act'"),
        (
            "mix",
            "mixed",
            "stream 'mix' of the manifest must carry a tensor of the network, not 'mixed'",
        ),
    ],
)
def test_a_manifest_that_would_compare_the_wrong_thing(
    toy, toy_frames, tmp_path, name, tensor, message
):
    design = toy()
    manifest = Manifest.read(design)
    streams = tuple(
        dataclasses.replace(stream, tensor=tensor) if stream.name == name else stream
        for stream in manifest.streams
    )
    dataclasses.replace(manifest, streams=streams).write(design)
    with refuse(message, ManifestError):
        simulate(design, toy_frames, build_dir=tmp_path / "build")


def test_bad_arguments(toy, toy_frames, tmp_path):
    build = tmp_path / "build"
    with refuse("simulator must be one of verilator, icarus, not 'xsim'"):
        simulate(toy(), toy_frames, simulator="xsim", build_dir=build)
    with refuse(
        "stalls must be one of none, random, slow-source, slow-sink, patient, cycling, long-stop, "
        "one-beat, reset, framing, not 'many'"
    ):
        simulate(toy(), toy_frames, stalls="many", build_dir=build)
    with refuse("frames must hold at least one frame, not 0"):
        simulate(toy(), np.zeros((0, 4, 3, 2), dtype=np.int64), build_dir=build)
    assert not build.exists()
