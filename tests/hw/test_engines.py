import dataclasses

from hw.engines import ENGINES, Folding


def test_every_engine_bears_its_name():
    assert Folding.VARIANTS is ENGINES
    for name, folding in ENGINES.items():
        assert issubclass(folding, Folding)
        (engine,) = (item for item in dataclasses.fields(folding) if item.name == "engine")
        assert engine.default == name
