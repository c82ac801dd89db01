"""The method of a configuration and its own options."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.test_layering import ROOT
from tritforge import quant
from tritforge.config.config import load
from tritforge.config.quantization import QuantizationConfig
from tritforge.errors import ConfigError
from tritforge.quant.methods.base import METHODS, option_names
from tritforge.quant.networks.digits import Digits

DIGITS = (ROOT / "networks" / "digits.yaml").read_text(encoding="utf-8")
BEGIN, END = DIGITS.index("quantization:"), DIGITS.index("training:")


def quantization(folder: Path, text: str) -> QuantizationConfig:
    """Load digits with another mapping under ``quantization``."""
    path = folder / "x.yaml"
    path.write_text(DIGITS[:BEGIN] + f"quantization: {text}\n\n" + DIGITS[END:], encoding="utf-8")
    return load(path).quantization


@pytest.mark.parametrize("method", sorted(METHODS))
def test_each_method_has_its_own_options_and_their_defaults(tmp_path: Path, method: str) -> None:
    loaded = quantization(tmp_path, f"{{method: {method}, input_bits: 3}}")
    assert (loaded.method, loaded.input_bits, loaded.activation_bits) == (method, 3, 2)
    assert list(loaded.options) == option_names(METHODS[method])
    assert next(iter(dataclasses.asdict(loaded))) == "method"  # what a checkpoint differs in first
    by_default = METHODS[method]()
    assert repr(METHODS[method](**loaded.options)) == repr(by_default)
    quant.ternarize(Digits(), loaded.method, **loaded.options)


def test_files_without_a_method_mean_ics(tmp_path: Path) -> None:
    loaded = quantization(tmp_path, "{threshold_factor: 0.1, clip_gradient: false}")
    assert loaded.method == "ics"
    assert loaded.options == {
        "threshold_factor": 0.1,
        "clip_gradient": False,
        "expansion": 1,
        "expansion_factors": None,
    }


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (
            "{method: ics, expansion: 3, expansion_factors: [0.2, 0.4]}",
            {"expansion": 3, "expansion_factors": (0.2, 0.4)},
        ),
        ("{method: twn, threshold_factor: 0.5}", {"threshold_factor": 0.5}),
        ("{method: ttq, sparsity: 0.5, symmetric: true}", {"sparsity": 0.5, "symmetric": True}),
        ("{method: sttn, per_channel: true}", {"per_channel": True}),
        ("{method: tga, clip_lowest: 0.05}", {"clip_lowest": 0.05}),
        (
            "{method: esa, initial_spread: null, strength: 1e-7}",
            {"initial_spread": None, "strength": 1e-7},
        ),
    ],
)
def test_options_reach_the_method(tmp_path: Path, text: str, options: dict[str, Any]) -> None:
    loaded = quantization(tmp_path, text)
    assert options.items() <= loaded.options.items()
    assert json.loads(json.dumps(dataclasses.asdict(loaded)))["method"] == loaded.method
    assert dataclasses.replace(loaded, input_bits=5).options == loaded.options


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{method: tnw}",
            "quantization.method must be one of float, esa, ics, sttn, tga, ttq, twn, not 'tnw'; "
            "did you mean 'twn'?",
        ),
        (
            "{method: twn, clip_gradient: true}",
            "unknown key 'clip_gradient' in quantization; allowed are method, input_bits, "
            "activation_bits, "
            "activation, threshold_factor",
        ),
        (
            "{method: ttq, sparsty: 0.5}",
            "unknown key 'sparsty' in quantization; allowed are method, input_bits, "
            "activation_bits, "
            "activation, threshold_factor, sparsity, symmetric, relative; did you mean 'sparsity'?",
        ),
        (
            "{method: twn, threshold_factor: a}",
            "quantization.threshold_factor must be a number, not 'a'",
        ),
        (
            "{method: twn, threshold_factor: 1}",
            "quantization: threshold_factor must be at least 0 and below 1, not 1.0",
        ),
        (
            "{method: ics, expansion: 2, expansion_factors: 0.1}",
            "quantization.expansion_factors must be a list, each element a number, not '0.1'",
        ),
    ],
)
def test_refusals(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        quantization(tmp_path, text)
    line = DIGITS[:BEGIN].count("\n") + 1
    assert str(caught.value) == f"{tmp_path / 'x.yaml'}:{line}: {message}"
