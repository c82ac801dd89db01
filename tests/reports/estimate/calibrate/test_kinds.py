"""Every kind is drawn, and every component has a cost."""

from tritforge.hw.cost.registry import cost
from tritforge.reports.estimate.calibrate.configurations import LATER, draw
from tritforge.reports.estimate.calibrate.kinds import KINDS, LATER_KINDS


def test_every_kind_is_drawn_and_every_component_knows_its_registers() -> None:
    drawn = [draw(number, "xc7") for number in range(120)]
    assert {configuration.kind for configuration in drawn} >= set(KINDS) - {"registers", "fork"}
    for configuration in drawn:
        for name, unit in configuration.units():
            assert cost(unit, configuration.target).ff is not None, (
                configuration.number,
                name,
            )


def test_later_kinds_have_numbers_of_their_own() -> None:
    drawn = [draw(number, "xc7") for number in range(LATER, LATER + 20)]
    assert {configuration.kind for configuration in drawn} == set(LATER_KINDS)
    for configuration in drawn:
        names = {name for name, _ in configuration.units()}
        assert ("requantize" in names) == (configuration.kind == "multiply")
