"""Components that occur many times: in the Verilog one module for all that are alike."""

from abc import abstractmethod

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["Library", "SharedComponent"]


class Library:
    """The shared modules of one Verilog text.

    Parameters
    ----------
    prefix : of every module's name; two designs in one project must not share names.
    """

    def __init__(self, prefix):
        self._prefix    = prefix
        self._instances = {}

    def instance(self, component):
        """An instance of the module of ``component``, on the component's ports."""
        module = "_".join((self._prefix, component.module_name))
        self._instances.setdefault(module, component)
        clocks = {"i_clk": ClockSignal(), "i_rst": ResetSignal()} if component.clocked else {}
        return Instance(module, **clocks, **{
            f"{'o' if member.flow is Out else 'i'}_{name}": getattr(component, name)
            for name, member in component.signature.members.items()})

    def modules(self):
        """(module's name, component) of everything that was instantiated, by name."""
        return [(module, component.again()) for module, component in sorted(self._instances.items())]


class SharedComponent(wiring.Component):
    """A component of plain ports that stands in the Verilog once, however many instances there are.

    On a platform without ``library`` (Amaranth's own simulator) each instance is a circuit of its own.

    Parameters
    ----------
    signature : members, none of them a stream or an interface.
    parameters : the ints that the circuit follows from, and nothing else does.
    """

    clocked = True
    """Whether the circuit has registers; they are in the domain ``sync``."""

    def __init__(self, signature, *parameters):
        self._parameters = parameters
        super().__init__(signature)

    @property
    def module_name(self):
        """The class and every parameter: equal names are equal circuits."""
        return "_".join((type(self).__name__.lower(), *map(str, self._parameters)))

    @abstractmethod
    def again(self):
        """Another component with the same parameters."""

    @abstractmethod
    def circuit(self, platform):
        """The circuit, an Amaranth Module."""

    def elaborate(self, platform):
        library = getattr(platform, "library", None)
        return self.circuit(platform) if library is None else library.instance(self)
