"""Yosys in a process of its own: the folder it works in, and what a count depends on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tritforge.record import Format
from tritforge.reports.synth.netlist import Instance
from tritforge.reports.synth.yosys import (
    SynthesisError,
    digests,
    key,
    show_progress,
    tool_name,
    yosys,
)


def test_commands_run_beside_copies(tmp_path: Path) -> None:
    source = tmp_path / "any.v"
    source.write_text("module top(input a, output y); assign y = !a; endmodule\n")
    log = tmp_path / "yosys.log"
    passes: list[str] = []
    commands = ["read_verilog top.v", "proc", "write_json top.json"]
    with yosys(
        {"top.v": source}, commands, log, lambda seconds, name: passes.append(name)
    ) as folder:
        assert folder.parent == tmp_path
        assert (folder / "top.v").read_text() == source.read_text()
        assert '"creator"' in (folder / "top.json").read_text()
    assert not folder.exists()
    assert passes[-1] == ""
    assert any(name.startswith("PROC") for name in passes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["any.v", "yosys.log"]


def test_an_error_names_its_cause_and_the_log(tmp_path: Path) -> None:
    with (
        pytest.raises(
            SynthesisError, match=r"^Yosys: No such command: nonsense .*; see yosys\.log$"
        ),
        yosys({}, ["nonsense"], tmp_path / "yosys.log"),
    ):
        pytest.fail("it went on")
    assert [path.name for path in tmp_path.iterdir()] == ["yosys.log"]


SLOW = [
    "read_verilog top.v",
    "hierarchy -top top",
    "proc",
    "flatten",
    "synth -top top",
    "share -aggressive",
]


def test_yosys_is_stopped_when_its_time_is_over(tmp_path: Path) -> None:
    source = tmp_path / "top.v"
    source.write_text(
        "module top(input [511:0] a, input [511:0] b, output [511:0] y); assign y = a * b % 77; endmodule\n"
    )
    message = r"^Yosys did not end within 0\.02 minutes and was stopped; see yosys\.log$"
    with (
        pytest.raises(SynthesisError, match=message),
        yosys({"top.v": source}, SLOW, tmp_path / "yosys.log", minutes=0.02),
    ):
        pytest.fail("it went on")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["top.v", "yosys.log"]


@pytest.mark.parametrize(
    "child",
    [
        # as the kernel does when memory is short
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "print('terminate called after throwing an instance of std::bad_alloc'); raise "
        "SystemExit(1)",
    ],
)
def test_want_of_memory_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, child: str
) -> None:
    (tmp_path / "child.py").write_text(child)
    monkeypatch.setattr("tritforge.reports.synth.yosys._CHILD", tmp_path / "child.py")
    message = r"^Yosys ran out of memory; fold the largest layers more, or .*; see yosys\.log$"
    with (
        pytest.raises(SynthesisError, match=message),
        yosys({}, ["anything"], tmp_path / "yosys.log"),
    ):
        pytest.fail("it went on")


def test_a_count_depends_on_all_that_it_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("a")
    inputs = digests({"a": tmp_path / "a"})
    form = Format(kind=Instance, name="form", version=1, error=SynthesisError, again="run again")
    first = key(form, ["x", "y"], inputs)
    assert first == key(form, ("x", "y"), dict(inputs))
    others = {
        key(replace(form, name="other"), ["x", "y"], inputs),
        key(replace(form, version=2), ["x", "y"], inputs),
        key(form, ["y", "x"], inputs),
        key(form, ["x", "y"], {"b": inputs["a"]}),
    }
    monkeypatch.setattr("tritforge.reports.synth.yosys.pyosys_version", lambda: "0.71")
    others.add(key(form, ["x", "y"], inputs))
    assert len(others - {first}) == 5
    with pytest.raises(FileNotFoundError):
        digests({"b": tmp_path / "b"})


def test_a_tool_is_named_without_its_compiler() -> None:
    assert tool_name("Yosys 0.70 (git sha1 28ba, g++ 14 -O3)") == "Yosys 0.70 (git sha1 28ba)"


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_progress(1.0, "ABC")
    assert capsys.readouterr().err == ""
