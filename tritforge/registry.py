"""Registries: a class or function registers itself where it is defined; no list names all."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

__all__ = ["Registry"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Registered = TypeVar("_Registered")


class Registry(Mapping[_Key, _Value]):
    """What the modules of some packages have registered, by key, in the order of the keys.

    Parameters
    ----------
    what: what an entry is, for messages.
    packages: names of the packages. Their modules, and those of their sub-packages, are imported
        at the first look-up, so a new module need not be named anywhere.
    """

    def __init__(self, what: str, *packages: str) -> None:
        self._what = what
        self._packages = packages
        self._entries: dict[_Key, _Value] = {}

    def register(self, *keys: _Key) -> Callable[[_Registered], _Registered]:
        """Return a decorator that registers a class or function under every one of ``keys``.

        Raises
        ------
        ValueError: a key is taken.
        """

        def add(entry: _Registered) -> _Registered:
            for key in keys:
                if key in self._entries:
                    name = key.__name__ if isinstance(key, type) else key
                    raise ValueError(f"{self._what} {name!r} is registered twice")
                self._entries[key] = entry  # type: ignore[assignment]  # a subtype of _Value
            return entry

        return add

    def __getitem__(self, key: _Key) -> _Value:
        return self._loaded()[key]

    def __iter__(self) -> Iterator[_Key]:
        return iter(sorted(self._loaded(), key=str))

    def __len__(self) -> int:
        return len(self._loaded())

    def _loaded(self) -> dict[_Key, _Value]:
        """The entries, once every module is imported."""
        packages, self._packages = self._packages, ()  # a module may look up while it is imported
        try:
            for package in map(importlib.import_module, packages):
                for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                    importlib.import_module(module.name)
        except BaseException:
            self._packages = packages
            raise
        return self._entries
