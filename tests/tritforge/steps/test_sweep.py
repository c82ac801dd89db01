"""Sweeps: what is finished is kept, whatever becomes of the rest. Work is made up but in one
test."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from tests.hw.networks import FOLDINGS, U2, convolutional
from tests.targets import GENERIC, XC7
from tritforge.export.ir.nodes import Dense, Network, TensorType
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.pipeline.fifo_depths import Fifos
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.stream.axi_stream import Tdata
from tritforge.steps import sweep
from tritforge.steps.sweep import (
    Point,
    SweepError,
    clients,
    measure,
    results_picture,
    results_table,
    run,
)

distributed = pytest.importorskip("distributed", reason="the extra `sweep` is not installed")

ROOT = Path(__file__).resolve().parents[3]


def point(name="one", **other):
    settings = {
        "network": convolutional(), "network_sha256": "0" * 64, "foldings": FOLDINGS, "fifos": Fifos.JOINS_ONLY,
        "target": GENERIC, "part": "xc7a35t", "expected_lut": 100.0,
    }  # fmt: skip
    return Point(name=name, **{**settings, **other})


POINTS = [point(f"p{bits}", fifos=Fifos(most_bits=bits)) for bits in range(4)]


@pytest.fixture(scope="module")
def client():
    """In this process, with threads for workers."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as made,
    ):
        yield made


def made_up(one):
    return {"lut": 10 * one.fifos.most_bits + 10, "interval_cycles": 100}


def test_results_come_in_order_and_are_kept(client, tmp_path):
    seen = []
    results = run(
        POINTS, tmp_path, client, work=made_up, finished=lambda one, result: seen.append(one.name)
    )
    assert [result["lut"] for result in results] == [10, 20, 30, 40]
    assert sorted(seen) == ["p0", "p1", "p2", "p3"]
    kept = {json.loads(path.read_text())["name"] for path in tmp_path.glob("[!.]*.json")}
    assert kept == set(seen)

    def never(one):
        raise AssertionError(one.name)

    assert run(POINTS, tmp_path, client, work=never) == results


def test_a_failure_is_one_line_and_loses_nothing(client, tmp_path):
    def sometimes(one):
        if one.fifos.most_bits == 2:
            raise ValueError("Yosys: no\n room")
        return made_up(one)

    kept = re.escape(str(tmp_path))
    message = (
        rf"^1 of 4 points failed, first p2: Yosys: no room; the other 3 are stored in {kept}, "
        "and the same command continues$"
    )
    with pytest.raises(SweepError, match=message):
        run(POINTS, tmp_path, client, work=sometimes)
    again = []
    run(POINTS, tmp_path, client, work=made_up, finished=lambda one, result: again.append(one.name))
    assert again == ["p2"]


def test_a_damaged_result_is_measured_again(client, tmp_path):
    run(POINTS[:1], tmp_path, client, work=made_up)
    path = tmp_path / f"{POINTS[0].key}.json"
    path.write_text("{")
    assert run(POINTS[:1], tmp_path, client, work=made_up)[0]["lut"] == 10
    assert json.loads(path.read_text())["name"] == "p0"


def test_a_point_is_what_its_result_depends_on():
    same = point("another name", expected_lut=None)
    assert same.key == point().key
    others = [
        point(network_sha256="1" * 64), point(fifos=Fifos(most_bits=9)), point(fifos=Fifos(least_beats=2)),
        point(part="xc7k480t"),
        point(target=XC7), point(foldings={**FOLDINGS, "conv1": FOLDINGS["conv2"]}),
        point(tdata=Tdata(input=64)),
    ]  # fmt: skip
    assert len({point().key, *(other.key for other in others)}) == 1 + len(others)


def test_a_point_is_really_synthesised():
    planes = np.array([[[1, -1, 0, 1], [0, 1, 1, -1]]], dtype=np.int8)
    network = Network(
        "tiny", TensorType(1, 1, 4, U2), (Dense(name="dense", input="input", planes=planes),)
    )
    foldings = {"dense": ArrayFolding(pe=2, simd=4)}
    result = measure(point(network=network, foldings=foldings))
    assert result["interval_cycles"] == plan(network, foldings, GENERIC).interval_cycles
    assert result["lut"] > 10
    assert set(result["layers"]) == {"dense", "rest"}
    assert sum(result["layers"].values()) == result["lut"]


def test_a_worker_that_dies_is_one_line(tmp_path):
    def fatal(one):
        if one.fifos.most_bits == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"lut": 1, "interval_cycles": 1}

    with (
        clients(None, 1) as local,
        pytest.raises(
            SweepError,
            match=r"^1 of 2 points failed, first p1: its worker died, out of memory or killed; ",
        ),
    ):
        run(POINTS[:2], tmp_path, local, work=fatal)
    assert (tmp_path / f"{POINTS[0].key}.json").is_file()


def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch):
    monkeypatch.setattr(sweep, "CONNECT_SECONDS", 0.2)
    message = (
        r"^no Dask scheduler answers at 'tcp://127\.0\.0\.1:9' within 0\.2 s; without --scheduler the points "
        r"run in local processes$"
    )
    with pytest.raises(SweepError, match=message), clients("tcp://127.0.0.1:9", 1):
        pass


def test_a_scheduler_without_workers_is_one_line():
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster:
        address = cluster.scheduler_address
        message = rf"^the Dask scheduler at '{re.escape(address)}' has no workers$"
        with pytest.raises(SweepError, match=message), clients(address, 1):
            pass


def test_missing_dask_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = r"^Dask is not installed: run `pip install distributed` \(the extra `sweep`\)$"
    with pytest.raises(SweepError, match=message), clients(None, 1):
        pass


def test_a_killed_sweep_goes_on(client, tmp_path):
    """The process is killed while its third point runs; what came in before is not measured
    again."""
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        import distributed
        from tests.tritforge.steps.test_sweep import POINTS, made_up
        from tritforge.steps.sweep import run
        def slow(one):
            if one.fifos.most_bits == 2:
                print("now", flush=True)
                time.sleep(60)
            return made_up(one)
        local = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
        with distributed.LocalCluster(**local) as cluster, distributed.Client(cluster) as client:
            run(POINTS, Path(sys.argv[1]), client, work=slow)
        """
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "now\n"
        while len(list(tmp_path.glob("[!.]*.json"))) < 2:
            pass
        child.kill()
    before = {path.name for path in tmp_path.glob("[!.]*.json")}
    assert len(before) in (2, 3)
    again = []
    results = run(
        POINTS, tmp_path, client, work=made_up, finished=lambda one, result: again.append(one.name)
    )
    assert len(results) == 4
    assert "p2" in again
    assert len(again) == 4 - len(before)


def test_the_table_says_how_far_the_model_was_off():
    results = [
        {
            "name": "a", "expected_lut": 110.0, "interval_cycles": 500, "lut": 100, "ff": 5, "bram36": 0.5,
            "dsp": 0, "seconds": 1.5, "tool": "Yosys",
        }
    ]  # fmt: skip
    table = results_table([*results, {**results[0], "name": "b", "expected_lut": None}], 100)
    assert table.rows[0][:5] == ("a", 500, 200000.0, 100, 110)
    assert table.rows[0][5] == pytest.approx(10.0)
    assert table.rows[1][4:6] == (None, None)
    text = str(results_picture(results, 100))
    assert "synthesised" in text
    assert "estimated" in text
