"""Random configurations: the same from run to run, of every kind, each with a cost for its registers."""

from benchmarks.configurations import _KINDS, draw
from benchmarks.estimator import technology_of, units


def test_a_number_is_a_configuration() -> None:
    one, again = draw(3), draw(3)
    assert (one.kind, one.family, one.text) == (again.kind, again.family, again.text)
    assert draw(3, "xc7").family == "xc7"


def test_every_kind_is_drawn_and_every_component_knows_its_registers() -> None:
    drawn = [draw(number, "xc7") for number in range(120)]
    assert {configuration.kind for configuration in drawn} >= set(_KINDS) - {"registers", "fork"}
    for configuration in drawn:
        for name, unit in units(configuration):
            assert unit.cost(technology_of(configuration)).ff is not None, (configuration.number, name)
