import numpy as np
import pytest

from tritforge.hw.matrix.skip_schedule import IDLE, ScheduleError, skip_schedule


def sparse(seed, shape, density):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < density, rng.choice([-1, 1], shape), 0).astype(np.int8)


@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize(
    ("shape", "channels", "pe", "entries", "banks", "outputs"),
    [
        ((1, 1, 1), 1, 1, 1, 1, 1),
        ((1, 12, 24), 24, 3, 4, 4, 6),
        ((1, 12, 36), 4, 2, 4, 2, 4),
        ((1, 12, 36), 4, 12, 6, 2, 12),
        ((2, 8, 18), 2, 2, 2, 1, 8),
        ((3, 30, 16), 16, 5, 8, 8, 5),
        ((1, 30, 16), 16, 1, 3, 1, 15),
    ],
)
def test_every_nonzero_once(shape, channels, pe, entries, banks, outputs, density):
    planes = sparse(1, shape, density)
    schedule = skip_schedule(
        planes, channels=channels, pe=pe, entries=entries, banks=banks, outputs=outputs
    )
    schedule.validate()
    assert (schedule.codes[schedule.columns == IDLE] == 0).all()
    for vector in np.random.default_rng(2).integers(-9, 9, size=(5, shape[2])):
        assert np.array_equal(schedule.replay(vector), planes.astype(np.int64) @ vector)
    assert schedule.cycles >= shape[0] * shape[1] // pe
    assert schedule.utilisation <= 1


@pytest.mark.parametrize("density", [0.1, 0.3, 0.55])
def test_lanes_are_busy(density):
    """The figures that docs/hardware.md states, for a bank with as many ports as lanes."""
    dense = skip_schedule(
        sparse(0, (1, 512, 512), density), channels=512, pe=8, entries=4, banks=1, outputs=8
    )
    assert dense.utilisation >= 0.95
    convolution = skip_schedule(
        sparse(0, (1, 64, 576), density), channels=64, pe=1, entries=4, banks=1, outputs=8
    )
    assert convolution.utilisation >= 0.97


def test_an_empty_matrix_costs_a_cycle_a_pass():
    schedule = skip_schedule(
        sparse(0, (1, 8, 4), 0.0), channels=4, pe=4, entries=2, banks=2, outputs=8
    )
    assert (schedule.cycles, schedule.nonzeros) == (2, 0)


def test_the_order_does_not_depend_on_chance():
    planes = sparse(3, (1, 32, 64), 0.2)
    options = {"channels": 64, "pe": 4, "entries": 4, "banks": 4, "outputs": 8}
    first, second = skip_schedule(planes, **options), skip_schedule(planes, **options)
    assert np.array_equal(first.columns, second.columns)
    assert np.array_equal(first.rows, second.rows)


def test_a_damaged_schedule_is_refused():
    planes = sparse(3, (1, 8, 8), 0.5)
    options = {"channels": 8, "pe": 2, "entries": 2, "banks": 2, "outputs": 2}
    schedule = skip_schedule(planes, **options)
    busy = np.argwhere(schedule.columns != IDLE)[0]
    kept = schedule.columns[tuple(busy)]
    schedule.columns[tuple(busy)] = IDLE
    with pytest.raises(
        ScheduleError, match=r"^every nonzero must be executed once and nothing else$"
    ):
        schedule.validate()
    schedule.columns[tuple(busy)] = kept
    schedule.bank_order[:] = schedule.bank_order[:, ::-1].copy()
    with pytest.raises(ScheduleError, match=r"^a lane must read its own bank$"):
        schedule.validate()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 5}, "channels must divide the 8 columns, not 5"),
        ({"banks": 3}, "banks must divide the 8 channels, not 3"),
        ({"banks": 8}, "banks must divide the 4 entries, not 8"),
        ({"pe": 3}, "pe must divide the 2 outputs, not 3"),
        ({"outputs": 3, "pe": 3}, "outputs must divide the 4 rows, not 3"),
        ({"pe": 0}, "pe must divide the 2 outputs, not 0"),
    ],
)
def test_what_does_not_divide_is_refused(options, message):
    common = {"channels": 8, "pe": 1, "entries": 4, "banks": 2, "outputs": 2}
    with pytest.raises(ScheduleError, match=f"^{message}$"):
        skip_schedule(np.ones((1, 4, 8), dtype=np.int8), **{**common, **options})
