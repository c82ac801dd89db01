"""A network's configuration: the settings of ``networks/<name>.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from tritforge.config import variants
from tritforge.config.quantization import QuantizationConfig
from tritforge.config.schema import compose, key, read
from tritforge.errors import ConfigError
from tritforge.hw.engines.registry import Folding
from tritforge.hw.pipeline.fifo_depths import Fifos
from tritforge.hw.pipeline.keywords import KEYWORDS
from tritforge.hw.stream.axi_stream import Tdata
from tritforge.hw.targets.target import Target
from tritforge.quant.datasets import IN_FILES
from tritforge.quant.training.settings import OPTIMIZERS, SCHEDULES, TrainingConfig
from tritforge.reports.devices import PARTS, device

__all__ = [
    "DATA_VARIABLE",
    "NETWORKS_FOLDER",
    "Config",
    "DatasetConfig",
    "HardwareConfig",
    "NetworkConfig",
    "PretrainSettings",
    "QuantizationConfig",
    "TrainingSettings",
    "available",
    "expand",
    "load",
    "locate",
    "override",
    "with_data",
]

NETWORKS_FOLDER = Path("networks")
"""Folder in the working folder where a configuration's name is looked up first, before the
package's own."""

LEAST_FIFO_BEATS = 2
"""Least depth of a FIFO before every layer; one of depth 1 accepts a beat every other cycle."""

DATA_VARIABLE = "TRITFORGE_DATA"
"""Environment variable: a folder with one folder for each dataset in files, by its name."""


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """The dataset, the fold that is held out, and the folder of the files, if it has any.

    Raises
    ------
    ConfigError: ``fold`` is not below ``folds``.
    """

    name: str
    folds: int | None = key(None, minimum=2)
    fold: int = key(0, minimum=0)
    root: str | None = None
    image_size: int | None = key(None, minimum=1)

    def __post_init__(self) -> None:
        if self.folds is not None and self.fold >= self.folds:
            raise ConfigError(f"fold must be in 0..{self.folds - 1}, not {self.fold}")


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The torch model: a key of ``tritforge.quant.networks.NETWORKS``, and its options.

    None takes the default of the builder.

    ``channels`` are the outputs of its convolutions, ``hidden`` those of its hidden dense layer,
    ``conv_relu`` a ReLU between layer and batch norm, ``pool_first`` the order of training,
    ``residual_bits`` the width of what residuals add.
    """

    name: str
    channels: tuple[int, ...] | None = key(None, minimum=1)
    hidden: int | None = key(None, minimum=1)
    conv_relu: bool | None = None
    pool_first: bool | None = None
    residual_bits: int | None = key(None, minimum=2)
    classes: int | None = key(None, minimum=2)

    @property
    def options(self) -> dict[str, Any]:
        """What is given, as arguments of the builder."""
        given = {
            item.name: getattr(self, item.name) for item in fields(self) if item.name != "name"
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class PretrainSettings:
    """The training of the float network that the ternary one starts from.

    Settings that are not given are those of ``training``, except milestones and factors, which then
    are empty.
    """

    epochs: int = key(minimum=1)
    optimizer: str | None = key(None, choices=OPTIMIZERS)
    nesterov: bool | None = None
    learning_rate: float | None = key(None, above=0)
    weight_decay: float | None = key(None, minimum=0)
    schedule: str | None = key(None, choices=SCHEDULES)
    milestones: tuple[int, ...] = key((), minimum=1)
    factors: tuple[float, ...] = key((), above=0)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(TrainingConfig):
    """The training: ``tritforge.quant.training.settings.TrainingConfig``, pretraining, device.

    The seed is also that of the starting weights.

    Raises
    ------
    TypeError, ValueError: a setting is invalid, or two contradict each other.
    """

    seed: int = 0
    pretrain: PretrainSettings | None = None
    device: str = key("auto", choices=("auto", "cpu", "cuda"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pretrain is not None:
            try:
                self.pretraining()
            except ValueError as error:
                raise ValueError(f"pretrain: {error}") from error

    def pretraining(self) -> TrainingSettings:
        """Return the training of the float network that this one starts from."""
        assert self.pretrain is not None
        given = {item.name: getattr(self.pretrain, item.name) for item in fields(self.pretrain)}
        changed = {name: value for name, value in given.items() if value is not None}
        return replace(self, recalibrate=0, pretrain=None, **changed)


@dataclass(frozen=True, kw_only=True)
class HardwareConfig:
    """The device to build for, primitives, FIFOs, and engine and folding of each layer.

    ``primitives``: "device" instantiates cells of the device for additions and comparisons,
    "generic" uses operators. ``axi_lite`` adds the register block. ``fifos``: "auto" inserts FIFOs
    of up to ``fifo_bits`` each between layers where they raise the rate; one of the default size
    fills a block RAM. "every" also inserts one of at least ``LEAST_FIFO_BEATS`` before every layer,
    so that no path runs through several layers. ``input_tdata_bits``, ``output_tdata_bits``: widths
    of TDATA; by default those of the first and the last layer.
    """

    device: str = key(choices=PARTS)
    primitives: str = key("device", choices=("device", "generic"))
    fifos: str = key("auto", choices=("auto", "none", "every"))
    fifo_bits: int = key(18432, minimum=1)
    axi_lite: bool = False
    input_tdata_bits: int | None = key(None, minimum=8)
    output_tdata_bits: int | None = key(None, minimum=8)
    layers: dict[str, Folding]

    def __post_init__(self) -> None:
        _ = self.tdata  # looks at the two widths

    @property
    def target(self) -> Target:
        """The target that the design is built for."""
        found = device(self.device).built_for(cells=self.primitives == "device")
        assert found is not None  # a choice of `device`
        return found

    @property
    def tdata(self) -> Tdata:
        """Widths of TDATA that are asked for."""
        return Tdata(self.input_tdata_bits, self.output_tdata_bits)

    @property
    def planned_fifos(self) -> Fifos:
        """Those that are asked for besides the ones before residual adds."""
        return Fifos(
            most_bits=0 if self.fifos == "none" else self.fifo_bits,
            least_beats=LEAST_FIFO_BEATS if self.fifos == "every" else 0,
        )


@dataclass(frozen=True, kw_only=True)
class Config:
    """The configuration of one network; ``name`` names module and folder under ``build``.

    Raises
    ------
    ConfigError: ``name`` is a word of Verilog.
    """

    name: str = key(
        pattern="[A-Za-z][A-Za-z0-9_]*", meaning="letters, digits and _, a letter first"
    )
    dataset: DatasetConfig
    network: NetworkConfig
    quantization: QuantizationConfig
    training: TrainingSettings
    hardware: HardwareConfig

    def __post_init__(self) -> None:
        if self.name in KEYWORDS:
            raise ConfigError(f"name must not be a word of Verilog, not {self.name!r}")


def load(path: Path) -> Config:
    """Return the configuration in ``path``, a YAML file or FILE:VARIANT.

    See ``tritforge.config.variants``.

    Raises
    ------
    ConfigError: unknown, missing or repeated keys, wrong types or values; the message names the
        line.
    OSError: the file cannot be read.
    """
    file, variant = variants.split(path)
    return read(file, Config, variants.choose(file, compose(file), variant))


def available() -> list[str]:
    """The names of the configurations in the ``networks`` folder here and in the package."""
    folders = (NETWORKS_FOLDER, variants.PACKAGED)
    return sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})


def locate(name: str) -> Path:
    """Return the file, or FILE:VARIANT, for ``name``, a path or a configuration's name.

    Raises
    ------
    ConfigError: there is no such configuration.
    """
    file, variant = variants.split(Path(name))
    named = Path(f"{file}.yaml")
    for path in (file, NETWORKS_FOLDER / named, variants.PACKAGED / named):
        if path.is_file():
            return path if variant is None else path.with_name(f"{path.name}:{variant}")
    raise ConfigError(f"there is no configuration {name!r}; there are {', '.join(available())}")


def expand(name: str) -> list[Path]:
    """Return the configurations of ``name`` in a comparison: all variants of a file with any."""
    path = locate(name)
    chosen = variants.split(path)[1]
    found = [] if chosen is not None else variants.names(path)
    return [path.with_name(f"{path.name}:{variant}") for variant in found] or [path]


def override(
    config: Config, *, epochs: int | None = None, seed: int | None = None, fold: int | None = None
) -> Config:
    """Return ``config`` with the values of the command line in place of those of the file."""
    training, dataset = config.training, config.dataset
    return replace(
        config,
        training=replace(
            training,
            epochs=training.epochs if epochs is None else epochs,
            seed=training.seed if seed is None else seed,
        ),
        dataset=replace(dataset, fold=dataset.fold if fold is None else fold),
    )


def with_data(config: Config, environment: Mapping[str, str]) -> Config:
    """Return ``config`` with the folder of its dataset's files.

    A ``dataset.root`` has priority; without one the folder is <dataset> in that of the environment
    variable ``TRITFORGE_DATA``. A dataset without files needs none.

    Raises
    ------
    ConfigError: neither is given.
    """
    dataset = config.dataset
    if dataset.root is not None or dataset.name not in IN_FILES:
        return config
    folder = environment.get(DATA_VARIABLE, "")
    if not folder:
        raise ConfigError(
            f"dataset {dataset.name!r} comes in files: set {DATA_VARIABLE} to the folder that "
            f"holds {dataset.name}/, or dataset.root to their own"
        )
    return replace(config, dataset=replace(dataset, root=str(Path(folder) / dataset.name)))
