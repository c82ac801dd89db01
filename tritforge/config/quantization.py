"""The quantization of a configuration: widths, method and the method's options.

The options are those of the method's constructor in ``quant``, with their types and defaults: there
is no second list of them.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, get_type_hints

from tritforge import quant  # noqa: F401  # registers the methods
from tritforge.config.schema import key
from tritforge.errors import ConfigError
from tritforge.quant.methods.base import METHODS, Ternarizer, create
from tritforge.quant.networks.blocks import ACTIVATIONS

__all__ = ["FLOAT", "QuantizationConfig"]

FLOAT = "float"
"""The method of a float network, the baseline of the others."""


@dataclass(frozen=True, kw_only=True)
class QuantizationConfig:
    """How weights become ternary and activations integer; widths in bits.

    Each method has a class of its own, with its options as further fields: see ``VARIANTS``.

    Raises
    ------
    ConfigError: an option of the method is invalid.
    """

    method: str = "ics"
    input_bits: int = key(4, minimum=1)
    activation_bits: int = key(2, minimum=1)
    activation: str = key("unsigned", choices=ACTIVATIONS)

    VARIANT_KEY: ClassVar[str] = "method"
    VARIANTS: ClassVar[Mapping[str, type[QuantizationConfig]]] = {}

    def __post_init__(self) -> None:
        if not self.ternary:
            return
        try:
            create(self.method, self.options)
        except (TypeError, ValueError) as error:
            raise ConfigError(str(error)) from error

    @property
    def ternary(self) -> bool:
        """Whether the weights become ternary; those of the method ``float`` stay as they are."""
        return self.method != FLOAT

    def as_float(self) -> QuantizationConfig:
        """Return this with float weights: the same input and activations."""
        common = {item.name: getattr(self, item.name) for item in fields(QuantizationConfig)}
        return self.VARIANTS[FLOAT](**{**common, "method": FLOAT})

    @property
    def options(self) -> dict[str, Any]:
        """The options of the method, as ``quant.ternarize`` takes them."""
        common = {item.name for item in fields(QuantizationConfig)}
        return {
            item.name: getattr(self, item.name) for item in fields(self) if item.name not in common
        }


def _variant(name: str, method: type[Ternarizer]) -> type[QuantizationConfig]:
    """Return the class for one method: a field for each option of its constructor."""
    hints = get_type_hints(method.__init__)
    options = [
        (option, hints[option], dataclasses.field(default=parameter.default))
        for option, parameter in inspect.signature(method).parameters.items()
    ]
    return dataclasses.make_dataclass(
        f"{method.__name__}Config",
        [("method", str, dataclasses.field(default=name)), *options],
        bases=(QuantizationConfig,),
        frozen=True,
        kw_only=True,
        namespace={"__doc__": f"Quantization by the method {name!r}.", "__module__": __name__},
    )


@dataclass(frozen=True, kw_only=True)
class _FloatConfig(QuantizationConfig):
    """No ternarization: the float network, for comparison."""

    method: str = FLOAT


QuantizationConfig.VARIANTS = {
    FLOAT: _FloatConfig,
    **{name: _variant(name, method) for name, method in sorted(METHODS.items())},
}
