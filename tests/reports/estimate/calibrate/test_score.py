"""The error of an estimate."""

import pytest

from tests.test_layering import ROOT
from tritforge.hw.targets.cost import Cost
from tritforge.reports.estimate.calibrate.measure import POINTS, measured
from tritforge.reports.estimate.calibrate.score import Point, errors, errors_of, point, print_errors


def made_up(kind: str, family: str, estimated: float) -> Point:
    return Point(
        number=0,
        kind=kind,
        technology=f"{family} cells",
        text="made up",
        estimated=Cost(lut=estimated, ff=3),
        counted=Cost(lut=10, ff=3, bram18=kind == "fifo"),
    )


def test_an_error_is_relative_and_may_be_unknown() -> None:
    some = Point(
        number=0,
        kind="x",
        technology="",
        text="",
        estimated=Cost(lut=11, ff=None),
        counted=Cost(lut=10, ff=3),
    )
    assert some.error("lut_total") == 10
    assert some.error("ff") is None
    assert some.error("dsp") is None


def test_errors_by_family_and_kind() -> None:
    points = [made_up("fifo", "xc7", 11), made_up("add", "xc7", 8), made_up("add", "ecp5", 10)]
    found = errors(points)
    assert list(found) == ["xc7", "ecp5"]
    assert list(found["xc7"]) == ["add", "all", "fifo"]
    assert found["xc7"]["all"]["lut_total"] == pytest.approx((15, 19.5))
    assert found["xc7"]["all"]["memories_exact"] == 1
    assert found["ecp5"]["add"] == errors_of(points[2:])


def test_the_worst_are_printed(capsys) -> None:
    print_errors([made_up("fifo", "xc7", 11), made_up("add", "xc7", 8)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("add            n =   1  median / 95th: lut_total 20.0 / 20.0 %")
    assert "LUT 8 for 10" in lines[-2]


@pytest.mark.parametrize(
    ("number", "kind", "more"),
    [
        (24, "array", 0),  # vectors of one beat
        (77, "array", 0),
        (3037, "subsample", 0),  # no channels of 0: nothing counts
        (11227, "subsample", 0),
        (
            20029,
            "skip",
            2,
        ),  # 16 beats a row: low bits of three addresses are 0; two are not foreseen
        (4056, "skip", 2),
    ],
)
def test_registers_of_measured_circuits(number: int, kind: str, more: int) -> None:
    found = point(measured(ROOT / POINTS)[number, "xc7"])
    assert found.kind == kind
    assert found.counted.ff == found.estimated.ff + more
