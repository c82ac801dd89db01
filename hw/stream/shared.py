"""Components with many instances: one Verilog module for all equal ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["Library", "SharedComponent"]


class Library:
    """The shared modules of one Verilog text.

    Parameters
    ----------
    prefix : of every module name; two designs in one project must not share names.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._instances: dict[str, SharedComponent] = {}

    def instance(self, component: SharedComponent) -> Instance:
        """Return an Instance of the module of ``component``, connected to the component's ports."""
        module = "_".join((self.prefix, component.module_name))
        self._instances.setdefault(module, component)
        clocks = {"i_clk": ClockSignal(), "i_rst": ResetSignal()} if component.clocked else {}
        return Instance(module, **clocks, **{
            f"{'o' if member.flow is Out else 'i'}_{name}": getattr(component, name)
            for name, member in component.signature.members.items()})

    def modules(self) -> list[tuple[str, SharedComponent]]:
        """Return (module name, component) of every module that was instantiated, sorted by name."""
        return [
            (module, component.again()) for module, component in sorted(self._instances.items())
        ]


class SharedComponent(wiring.Component):
    """A component of plain ports that stands in the Verilog once, however many instances there are.

    On a platform without ``library`` (Amaranth's own simulator) each instance is a circuit of its
    own.

    Parameters
    ----------
    signature : members, none of them an interface.
    parameters : ints that determine the circuit completely.
    """

    clocked = True
    """Whether the circuit has registers; they are in the domain ``sync``."""

    def __init__(self, signature: Mapping[str, wiring.Member], *parameters: int) -> None:
        self._parameters = parameters
        super().__init__(signature)

    @property
    def module_name(self) -> str:
        """Class name and parameters: equal names are equal circuits."""
        return "_".join((type(self).__name__.lower(), *map(str, self._parameters)))

    @abstractmethod
    def again(self) -> SharedComponent:
        """Return another component with the same parameters."""

    @abstractmethod
    def circuit(self, platform: object) -> Module:
        """Return the circuit."""

    def elaborate(self, platform: object) -> Module | Instance:
        """Return an instance of the shared module, or the circuit itself without a library."""
        library = getattr(platform, "library", None)
        return self.circuit(platform) if library is None else library.instance(self)
