"""What Amaranth's simulator takes for cells."""

from tritforge.hw.targets.primitives import Modelled, Primitives


def test_a_model_is_of_the_7_series_unless_another_is_named():
    assert Modelled().primitives is Primitives.XILINX7
    assert Modelled(Primitives.ECP5).primitives is Primitives.ECP5
