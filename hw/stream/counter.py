"""Counters that go around."""

from amaranth import *

from tritforge.hw.targets.limits import MAX_GATE_COUNT

__all__ = ["count", "walk"]


def count(m, counter, values, step, by=1, last=None):
    """Drive ``counter`` through 0, ``by``, 2 * ``by`` and so on below ``values``, a move on each ``step``.

    It goes back by the reset of its registers, which FPGAs have beside the enable: no gate stands in front of a bit, and the
    LUTs depend on the width alone, not on the ones of ``values`` (7 bits: 4 LUT6, by gates 6 to 11; in ECP5 8 bits: 19
    LUT4, by gates 14 to 24). To be called outside of any ``m.If``, within which the reset would be gates again.

    Parameters
    ----------
    counter : Signal, 0 at reset and wide enough. Nothing drives it where it has a single value.
    values : a multiple of ``by``.
    step : whether it moves in this cycle.
    last : whether it goes back on the next move; None: at ``values - by``.

    Returns
    -------
    Value : whether it goes back in this cycle, which is the step of the counter behind it.
    """
    if not by < values <= MAX_GATE_COUNT * by:
        return walk(m, counter, 0, by, values // by, step, last, alone=last is None and values == 1 << len(counter))
    last  = counter == values - by if last is None else last
    turns = _turns(m, counter, step, last)
    with m.If(step):
        m.d.sync += counter.eq(Mux(last, 0, counter + by))
    return turns


def walk(m, position, first, by, places, step, last=None, alone=False):
    """Drive ``position`` through ``places``, from ``first`` on, where it is at reset, ``by`` further on each ``step``; the rest
    is as of :func:`count`. ``alone`` : whether it goes back without being told."""
    if places == 1:
        return step
    turns = _turns(m, position, step, position == first + (places - 1) * by if last is None else last)
    with m.If(step):
        m.d.sync += position.eq(position + by)
    if not alone:
        with m.If(turns):
            m.d.sync += position.eq(first)
    return turns


def _turns(m, counter, step, last):
    turns = Signal(name=f"{counter.name}_turns")
    m.d.comb += turns.eq(step & last)
    return turns
