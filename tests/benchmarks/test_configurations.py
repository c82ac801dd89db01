"""Random configurations: the same from run to run, of every kind, each with a cost for its registers."""

from benchmarks.configurations import _KINDS, _MORE, MORE, draw
from benchmarks.estimator import held_out, units
from tritforge.hw.cost.registry import cost


def test_a_number_is_a_configuration() -> None:
    one, again = draw(3), draw(3)
    assert (one.kind, one.family, one.text) == (again.kind, again.family, again.text)
    assert draw(3, "xc7").family == "xc7"


def test_every_kind_is_drawn_and_every_component_knows_its_registers() -> None:
    drawn = [draw(number, "xc7") for number in range(120)]
    assert {configuration.kind for configuration in drawn} >= set(_KINDS) - {"registers", "fork"}
    for configuration in drawn:
        for name, unit in units(configuration):
            assert cost(unit, configuration.target).ff is not None, (
                configuration.number,
                name,
            )


def test_later_kinds_have_numbers_of_their_own() -> None:
    drawn = [draw(number, "xc7") for number in range(MORE, MORE + 20)]
    assert {configuration.kind for configuration in drawn} == set(_MORE)
    for configuration in drawn:
        names = {name for name, _ in units(configuration)}
        assert ("requantize" in names) == (configuration.kind == "multiply")


def test_numbers_say_what_takes_no_part_in_the_calibration() -> None:
    numbers = (0, 47_999, 48_000, 49_999, 50_000, 67_999, 68_000)
    assert [held_out(number) for number in numbers] == [
        False,
        False,
        True,
        True,
        False,
        False,
        True,
    ]
