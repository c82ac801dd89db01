"""Rows made of cells equal rows made of operators, for all inputs."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from amaranth.hdl import Module, Mux, Signal

from tests.formal.prover import Claims, Proved, Refuted, check
from tests.targets import FORMS
from tritforge.hw.targets.rows import rows
from tritforge.hw.targets.target import Modelled
from tritforge.hw.targets.xc7 import cells as seven_series

SHAPES = [
    (terms, width, so_far)
    for terms in (
        (1,),
        (4,),
        (1, 1),
        (5, 3),
        (3, 5),
        (8, 8),
        (1, 1, 1),
        (4, 3, 2),
        (2, 4, 5),
        (8, 8, 8),
    )
    for width in (2, 5, 8, 12)
    for so_far in ((False, True) if len(terms) < 3 else (False,))
]
"""Widths of the terms, width of the sum, and whether it accumulates."""


def equal(claims: Claims, name: str, build: object, unless: object = 0) -> None:
    made = {form: Signal(32, name=f"{name}_{form}") for form in FORMS}
    for form, signal in made.items():
        claims.m.d.comb += signal.eq(build(rows(claims.m, Modelled(FORMS[form]))))  # type: ignore[operator]
    generic = made.pop("generic")
    for form, signal in made.items():
        claims.claim(f"{name}_{form}", unless | (generic == signal))  # type: ignore[operator]


def means(claims: Claims, name: str, build: object, meaning: object) -> None:
    """Claim that rows of operators and of all cells give ``meaning``."""
    for form, target in FORMS.items():
        found = build(rows(claims.m, Modelled(target)))  # type: ignore[operator]
        claims.claim(f"{name}_{form}", found == meaning)


def products(widths: list[int]) -> Claims:
    """Two ternary products of each width; code 10 is no trit."""
    claims = Claims(Module())
    for bits in widths:
        x, y = claims.free(f"x{bits}", bits), claims.free(f"y{bits}", bits)
        x_code, y_code = claims.free(f"x{bits}_code", 2), claims.free(f"y{bits}_code", 2)
        lanes = [(x, x_code), (y, y_code)]
        no_trit = (x_code == 0b10) | (y_code == 0b10)
        equal(
            claims,
            f"products_{bits}",
            lambda row, lanes=lanes, b=bits: row.products(f"p{b}", lanes),
            no_trit,
        )
    return claims


def sums(shapes: list[tuple[tuple[int, ...], int, bool]]) -> Claims:
    claims = Claims(Module())
    for number, (widths, width, accumulates) in enumerate(shapes):
        name = f"sum{number}_" + "_".join(map(str, widths)) + f"_to_{width}"
        terms = [claims.free(f"{name}_term{index}", bits) for index, bits in enumerate(widths)]
        options = (
            {"so_far": claims.free(f"{name}_so_far", width), "clear": claims.free(f"{name}_clear")}
            if accumulates
            else {}
        )
        equal(
            claims,
            name,
            lambda row, name=name, terms=terms, width=width, options=options: row.add(
                f"{name}_row", terms, width, **options
            ),
        )
    return claims


def comparisons(widths: list[int]) -> Claims:
    """What compares two numbers and what chooses between them, signed and not."""
    claims = Claims(Module())
    for bits in widths:
        for kind in ("unsigned", "signed") if bits > 1 else ("unsigned",):
            name = f"{kind}_{bits}"
            left, right = claims.free(f"{name}_left", bits), claims.free(f"{name}_right", bits)
            which = claims.free(f"{name}_which")
            pair = (left, right) if kind == "unsigned" else (left.as_signed(), right.as_signed())
            above = pair[0] >= pair[1]
            means(
                claims,
                f"{name}_no_less",
                lambda row, n=name, p=pair: row.no_less(f"{n}_compared", *p),
                above,
            )
            means(
                claims,
                f"{name}_no_less_given",
                lambda row, n=name, w=which, p=pair: row.no_less(f"{n}_given", *p, w),
                which & above,
            )
            if kind == "unsigned":
                means(
                    claims,
                    f"{name}_at_least",
                    lambda row, n=name, p=pair: row.at_least(f"{n}_reached", *p),
                    above,
                )
            equal(
                claims,
                f"{name}_choose",
                lambda row, n=name, w=which, p=pair: row.choose(f"{n}_chosen", w, *p),
            )
            larger = Mux(above, *pair)
            means(
                claims,
                f"{name}_larger",
                lambda row, n=name, p=pair: row.larger(f"{n}_larger", *p),
                larger,
            )
            means(
                claims,
                f"{name}_running",
                lambda row, n=name, w=which, p=pair: row.running_larger(f"{n}_running", *p, w),
                Mux(which, pair[1], larger),
            )
    return claims


def test_comparisons_of_every_width(tmp_path: Path) -> None:
    assert check(comparisons(list(range(1, 14))), tmp_path) == Proved()


def test_products_of_every_width(tmp_path: Path) -> None:
    assert check(products(list(range(1, 17))), tmp_path) == Proved()


def test_sums(tmp_path: Path) -> None:
    assert check(sums(SHAPES), tmp_path) == Proved()


@pytest.mark.verify
def test_wide_sums(tmp_path: Path) -> None:
    """Every combination of three widths up to 12."""
    sizes = (1, 7, 12)
    shapes = [((a, b, c), 14, False) for a in sizes for b in sizes for c in sizes]
    shapes += [((a, b), 16, True) for a in sizes for b in sizes]
    assert check(sums(shapes), tmp_path) == Proved()


def test_a_wrong_cell_has_a_counterexample(tmp_path: Path) -> None:
    """The carry of three bits without one of its inputs."""

    def wrong(a: int, b: int, c: int, clear: int, _carry: int) -> int:
        return a + b + c >= 2

    with mock.patch.object(seven_series, "_majority", wrong):
        found = check(sums([((3, 3), 5, True)]), tmp_path)
    assert found == Refuted(("sum0_3_3_to_5_xc7",), 0, tmp_path / "trace.vcd")
    assert "$var" in found.trace.read_text()
