"""The engines that compute a matrix layer: one package each, named like the engine."""

from __future__ import annotations

import pkgutil

__all__ = ["NAMES"]

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))
"""The engines, as YAML files and the command line name them; none is imported for it."""
