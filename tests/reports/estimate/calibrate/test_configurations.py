"""A number is a configuration, and says whether it is held out."""

from tritforge.reports.estimate.calibrate.configurations import draw, held_out


def test_a_number_is_a_configuration() -> None:
    one, again = draw(3), draw(3)
    assert (one.kind, one.target, one.text) == (again.kind, again.target, again.text)
    assert draw(3, "xc7").target.NAME == "xc7"


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
