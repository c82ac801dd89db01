"""The base class of every folding, and the engines by their name in the YAML file."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, ClassVar

from tritforge.hw.engines.layer import MatrixLayer, PlanError
from tritforge.hw.stream.unit import Unit
from tritforge.registry import Registry

__all__ = ["ENGINES", "Activity", "Folding", "engine", "restored"]


ENGINES: Registry[str, type["Folding"]] = Registry("engine", "tritforge.hw.engines")
"""A layer's ``engine``: the class of its folding, whose fields are the other keys of the layer."""


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What an engine does for one frame of a layer, as models of energy count it.

    Parameters
    ----------
    additions : weights that are added or subtracted; zeros count where they take a cycle.
    operands : elements of the input that are fetched.
    passes : times that a vector is fetched for all rows of one plane.
    weight_reads : times that the whole memory of the weights is read; 0 where there is none.
    """

    additions:    int
    operands:     int
    passes:       int
    weight_reads: int


@dataclass(frozen=True, kw_only=True)
class Folding(ABC):
    """Which engine computes a layer, and how much of it at a time; each engine has its own class.

    The fields are the keys of ``hardware.layers.<layer>`` in the YAML file; ``engine`` picks the
    class.
    """

    engine: str = "array"

    VARIANT_KEY: ClassVar[str]                     = "engine"
    VARIANTS:    ClassVar[Mapping[str, type[Any]]] = ENGINES

    @abstractmethod
    def units(self, layer: MatrixLayer) -> tuple[Unit, ...]:
        """Return the layer as units in series.

        Raises
        ------
        PlanError : the folding does not fit the layer.
        """

    @classmethod
    @abstractmethod
    def candidates(cls, layer: MatrixLayer, most_lanes: int) -> "Iterator[Folding]":
        """Yield the foldings of ``layer`` worth a try, of at most ``most_lanes`` lanes.

        :meth:`units` may refuse some of them.
        """

    @abstractmethod
    def activity(self, layer: MatrixLayer) -> Activity:
        """Return what the engine does for a frame of ``layer``."""

    @abstractmethod
    def lanes(self, layer: MatrixLayer) -> int | None:
        """Return the most products of a weight and an input element that ``layer`` makes per cycle.

        None where the folding does not set their number.
        """

    def _check_positive(self, *names):
        """Refuse what is no positive int among the fields ``names``; None as the default passes."""
        for name in names:
            value = getattr(self, name)
            if value is None and type(self).__dataclass_fields__[name].default is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an int, not {value!r}")
            if value < 1:
                raise ValueError(f"{name} must be positive, not {value!r}")

    @property
    def options(self):
        """What was chosen, by name, as plain ints and texts, without what is as by default."""
        values = {item.name: getattr(self, item.name) for item in fields(self)
                  if item.name != "engine" and getattr(self, item.name) != item.default}
        return {name: value.value if isinstance(value, Enum) else value
                for name, value in values.items()}


def engine(folding):
    """Register the class ``folding`` under its ``engine``, the name of its package."""
    return ENGINES.register(folding.engine)(folding)


def restored(name: str, options: Mapping[str, Any]) -> Folding:
    """Return the folding of the engine ``name`` with these options (:attr:`Folding.options`).

    Raises
    ------
    PlanError : there is no such engine.
    """
    if name not in ENGINES:
        raise PlanError(f"engine must be one of {', '.join(ENGINES)}, not {name!r}")
    kind     = ENGINES[name]
    defaults = {item.name: item.default for item in fields(kind)}
    return kind(**{key: type(defaults[key])(value) if isinstance(defaults.get(key), Enum) else value
                   for key, value in options.items()})
