from __future__ import annotations

import dataclasses
import re

import pytest

from tritforge.export.artifacts.manifest import Manifest
from tritforge.sim.testbench import beats_file, bench_verilog, log_bits


@pytest.fixture
def manifest(toy):
    return Manifest.read(toy())


def test_a_probe_for_each_stream_and_the_design_itself(manifest):
    text = bench_verilog(manifest)
    assert re.findall(r"^    (\w+) (?:#\(.*\) )?(\w+) \($", text, flags=re.MULTILINE) == [
        ("toy", "dut"),
        ("stream_source", "source"),
        ("stream_sink", "sink"),
        ("stream_probe", "probe_0_s_axis"),
        ("stream_probe", "probe_1_mix"),
        ("stream_probe", "probe_2_act"),
        ("stream_probe", "probe_3_m_axis"),
    ]
    assert '#(.WIDTH(12), .FILE("mix.beats"))' in text
    assert ".valid(dut.core.mix.o__valid)" in text
    assert ".payload({m_axis_tlast, m_axis_tdata})" in text
    assert '#(.WIDTH(9), .FILE("source.beats"))' in text


def test_python_writes_the_clock_and_little_else(manifest):
    """Whatever is writable from outside is settled anew in every instant."""
    text = bench_verilog(manifest)
    assert re.findall(r"(\w+) /\*verilator public_flat_rw\*/", text) == ["aclk", "go", "expected"]


def test_names_that_are_no_identifiers_stay_apart(manifest):
    mix = manifest.stream("mix")
    twins = tuple(dataclasses.replace(mix, name=name, tensor=None) for name in ("a.b", "a_b"))
    text = bench_verilog(dataclasses.replace(manifest, streams=(*manifest.streams, *twins)))
    assert "probe_4_a_b (" in text
    assert "probe_5_a_b (" in text
    assert [beats_file(twin) for twin in twins] == ["a.b.beats", "a_b.beats"]


def test_a_dump_on_request_alone(manifest):
    assert '$dumpfile("dump.fst");' in bench_verilog(manifest, dump=True)
    assert "$dump" not in bench_verilog(manifest)


def test_tlast_travels_above_tdata(manifest):
    assert [log_bits(stream) for stream in manifest.streams] == [9, 12, 4, 9]
    lacking = dataclasses.replace(manifest.stream("m_axis"), tdata_bits=None)
    message = "stream 'm_axis' of the manifest is AXI and must give tdata_bits"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        log_bits(lacking)


@pytest.mark.parametrize("name", ["s_axis", "m_axis"])
def test_both_ends_must_be_there(manifest, name):
    streams = tuple(stream for stream in manifest.streams if stream.name != name)
    with pytest.raises(ValueError, match=f"^the manifest must have the AXI stream '{name}'$"):
        bench_verilog(dataclasses.replace(manifest, streams=streams))
