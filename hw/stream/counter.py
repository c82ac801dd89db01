"""Counters that wrap by the synchronous reset of their flip-flops, and addresses on a ring."""

from __future__ import annotations

from amaranth import *

from tritforge.hw.targets.limits import MAX_GATE_COUNT

__all__ = ["modulo_counter", "ring_address", "strided_counter"]


def modulo_counter(
    m: Module, counter: Signal, values: int, step: Value, by: int = 1, last: Value | None = None
) -> Value:
    """Drive ``counter`` through 0, ``by``, 2 * ``by``, .. below ``values``, by ``step``.

    It wraps by the synchronous reset of its flip-flops, which FPGAs have beside the clock enable:
    no gate precedes a bit, and the LUTs depend on the width alone, not on the ones of ``values`` (7
    bits: 4 LUT6, with gates 6 to 11; 8 bits in ECP5: 19 LUT4, with gates 14 to 24). Call it outside
    of any ``m.If``, in which the reset would become gates again.

    Parameters
    ----------
    counter : Signal, 0 at reset and wide enough. A counter with a single value is not driven.
    values : a multiple of ``by``.
    step : whether the counter advances in this cycle.
    last : whether the next step wraps; None: at ``values - by``.

    Returns
    -------
    Value : whether the counter wraps in this cycle, which is the ``step`` of the next counter of a
    cascade.
    """
    if not by < values <= MAX_GATE_COUNT * by:
        whole = last is None and values == 1 << len(counter)
        return strided_counter(m, counter, 0, by, values // by, step, last, free_running=whole)
    last = counter == values - by if last is None else last
    wrap = _wrap(m, counter, step, last)
    with m.If(step):
        m.d.sync += counter.eq(Mux(last, 0, counter + by))
    return wrap


def strided_counter(
    m: Module,
    position: Signal,
    first: int,
    by: int,
    places: int,
    step: Value,
    last: Value | None = None,
    free_running: bool = False,
) -> Value:
    """Drive ``position`` through ``places`` values from ``first``, its reset value, ``by`` apart.

    Parameters
    ----------
    step, last : as of :func:`modulo_counter`; None: at the last place.
    free_running : the position wraps by overflow, without a reset.

    Returns
    -------
    Value : whether the position wraps in this cycle.
    """
    if places == 1:
        return step
    wrap = _wrap(m, position, step, position == first + (places - 1) * by if last is None else last)
    with m.If(step):
        m.d.sync += position.eq(position + by)
    if not free_running:
        with m.If(wrap):
            m.d.sync += position.eq(first)
    return wrap


def ring_address(
    m: Module, name: str, address: Value, ahead: Value | int, depth: int, most: int | None = None
) -> Value:
    """Return the address ``ahead`` words after ``address`` on a ring.

    Parameters
    ----------
    name : of the signal of their sum.
    depth : words of the ring, above ``address``.
    most : the largest ``ahead``; None: ``depth``. Up to ``depth``, wrapping is a comparator and a
        subtraction; every doubling of it takes another pair.
    """
    most  = depth if most is None else max(most, depth)
    total = Signal(range(depth + most + 1), name=name)
    m.d.comb += total.eq(address + ahead)
    wrapped: Value = total
    laps = (depth - 1 + most) // depth
    # depth * 2^k, the largest first: the rest is below it afterwards
    for whole in reversed([depth << k for k in range(laps.bit_length())]):
        wrapped = Mux(wrapped >= whole, wrapped - whole, wrapped)
    return wrapped


def _wrap(m: Module, counter: Signal, step: Value, last: Value) -> Signal:
    wrap = Signal(name=f"{counter.name}_turns")
    m.d.comb += wrap.eq(step & last)
    return wrap
