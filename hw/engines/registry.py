"""The base class of all foldings, and the engines by their names in the YAML file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, ClassVar, TypeVar

from tritforge.hw.engines.layer import MatrixLayer, PlanError
from tritforge.hw.stream.unit import Unit
from tritforge.registry import Registry

__all__ = ["ENGINES", "Activity", "Folding", "engine", "restored"]


ENGINES: Registry[str, type[Folding]] = Registry("engine", "tritforge.hw.engines")
"""A layer's ``engine``: the class of its folding, whose fields are the other keys of the layer."""


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Operations of an engine for one frame of a layer, for models of energy.

    Parameters
    ----------
    additions : weights added or subtracted; zeros count if the engine spends a cycle on them.
    operands : input elements fetched.
    passes : fetches of a vector for all rows of one plane.
    weight_reads : reads of the whole weight memory; 0 without one.
    """

    additions:    int
    operands:     int
    passes:       int
    weight_reads: int


@dataclass(frozen=True, kw_only=True)
class Folding(ABC):
    """Engine of a layer and its parallelism. Each engine has its own subclass.

    The fields are the keys of ``hardware.layers.<layer>`` in the YAML file; ``engine`` selects the
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
    def candidates(cls, layer: MatrixLayer, most_lanes: int) -> Iterator[Folding]:
        """Yield foldings worth a try, of at most ``most_lanes`` lanes; some may not fit."""

    @abstractmethod
    def activity(self, layer: MatrixLayer) -> Activity:
        """Return the operations of the engine for one frame of ``layer``."""

    @abstractmethod
    def lanes(self, layer: MatrixLayer) -> int | None:
        """Return the most products per cycle for ``layer``; None if the folding sets no bound."""

    def _check_positive(self, *names: str) -> None:
        """Raise unless the fields ``names`` are positive ints; None passes if it is the default."""
        for name in names:
            value = getattr(self, name)
            if value is None and type(self).__dataclass_fields__[name].default is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an int, not {value!r}")
            if value < 1:
                raise ValueError(f"{name} must be positive, not {value!r}")

    @property
    def options(self) -> dict[str, int | str | None]:
        """Fields that differ from their defaults, as ints and strings."""
        values = {item.name: getattr(self, item.name) for item in fields(self)
                  if item.name != "engine" and getattr(self, item.name) != item.default}
        return {
            name: value.value if isinstance(value, Enum) else value
            for name, value in values.items()
        }


Engine = TypeVar("Engine", bound=Folding)


def engine(folding: type[Engine]) -> type[Engine]:
    """Register the class ``folding`` under its ``engine``, the name of its package."""
    return ENGINES.register(folding.engine)(folding)


def restored(name: str, options: Mapping[str, Any]) -> Folding:
    """Return the folding of the engine ``name`` with these ``options`` (:attr:`Folding.options`).

    Raises
    ------
    PlanError : there is no such engine.
    """
    if name not in ENGINES:
        raise PlanError(f"engine must be one of {', '.join(ENGINES)}, not {name!r}")
    kind     = ENGINES[name]
    defaults: dict[str, Any] = {item.name: item.default for item in fields(kind)}
    return kind(**{key: type(defaults[key])(value) if isinstance(defaults.get(key), Enum) else value
                   for key, value in options.items()})
