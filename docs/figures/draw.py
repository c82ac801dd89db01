"""Draws the block diagrams of docs/hardware.md as SVG files beside this program.

    python docs/figures/draw.py

Each figure has a background of its own and follows the reader's colour scheme, so it is legible on
light and on dark pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LINE = 16
STYLE = """
text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", Arial, sans-serif; fill: #1b2733; }
.small { font-size: 11.5px; fill: #4a5a6a; } .title { font-weight: 600; }
.back { fill: #fafbfd; } .unit { fill: #e7f0fb; stroke: #2f6fc4; }
.memory { fill: #e9f6ec; stroke: #2d8a4e; } .stream { fill: #f1f2f4; stroke: #7a8794; }
.sum { fill: #fdf1e3; stroke: #c4761b; }
.group { fill: none; stroke: #7a8794; stroke-dasharray: 5 4; }
.wire { fill: none; stroke: #4a5a6a; stroke-width: 1.4; }
.back-wire { stroke: #b3382c; stroke-dasharray: 4 3; }
.head { fill: #4a5a6a; } .back-head { fill: #b3382c; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6ebf0; } .small { fill: #aab6c2; } .back { fill: #171c24; }
  .unit { fill: #1d3350; stroke: #6ea8ee; } .memory { fill: #1c3a28; stroke: #63c084; }
  .stream { fill: #2a3038; stroke: #93a1ae; } .sum { fill: #45321a; stroke: #e3a04f; }
  .wire { stroke: #aab6c2; } .head { fill: #aab6c2; }
  .back-wire { stroke: #f08a7f; } .back-head { fill: #f08a7f; }
}
"""


class Figure:
    """An SVG of boxes and arrows; coordinates in pixels from the top left corner."""

    def __init__(self, width: int, height: int, label: str) -> None:
        self.width, self.height, self.label = width, height, label
        self.parts: list[str] = []

    def box(
        self, x: int, y: int, w: int, h: int, title: str, *lines: str, kind: str = "unit"
    ) -> None:
        """Draw a box with a bold title and small lines, centred."""
        self.parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}" rx="5"/>')
        top = y + h / 2 - LINE * len(lines) / 2 + 4.5
        self.text(x + w / 2, top, title, "title")
        for number, line in enumerate(lines, start=1):
            self.text(x + w / 2, top + LINE * number, line, "small")

    def group(self, x: int, y: int, w: int, h: int, title: str) -> None:
        """Draw a dashed frame with its title inside the upper left corner."""
        self.parts.append(f'<rect class="group" x="{x}" y="{y}" width="{w}" height="{h}" rx="8"/>')
        self.text(x + 10, y + 18, title, "small", "start")

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> None:
        """Write one line."""
        self.parts.append(
            f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def arrow(self, *points: tuple[int, int], label: str = "", back: bool = False) -> None:
        """Draw a line through ``points`` with a head; the label is above its first part."""
        path = " ".join(f"{x},{y}" for x, y in points)
        kind, head = ("wire back-wire", "back-tip") if back else ("wire", "tip")
        self.parts.append(f'<polyline class="{kind}" points="{path}" marker-end="url(#{head})"/>')
        if label:
            (x, y), (u, _) = points[0], points[1]
            self.text((x + u) / 2, y - 7, label, "small")

    def chain(
        self, y: int, h: int, boxes: Sequence[tuple[int, int, str, str, tuple[str, ...]]]
    ) -> None:
        """Draw boxes ``(x, w, kind, title, lines)`` in a row, joined by arrows."""
        for (x, w, *_), (u, *_rest) in pairwise(boxes):
            self.arrow((x + w, y + h // 2), (u - 2, y + h // 2))
        for x, w, kind, title, lines in boxes:
            self.box(x, y, w, h, title, *lines, kind=kind)

    def write(self, name: str) -> None:
        """Write ``name``.svg."""
        (FOLDER / f"{name}.svg").write_text(self.svg(), encoding="utf-8")

    def svg(self) -> str:
        """Return the figure as a document."""
        tips = "".join(
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
            f'markerHeight="8" orient="auto"><path class="{kind}" d="M0,0 L8,4 L0,8 z"/></marker>'
            for name, kind in (("tip", "head"), ("back-tip", "back-head"))
        )
        body = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img" '
            f'aria-label="{escape(self.label)}">\n<style>{STYLE}</style>\n<defs>{tips}</defs>\n'
            f'<rect class="back" width="100%" height="100%" rx="8"/>\n{body}\n</svg>\n'
        )


def pipeline() -> Figure:
    """A core from AXI4-Stream to AXI4-Stream, with a residual branch."""
    f = Figure(
        900, 250, "A core: AXI4-Stream input, layers, a fork, a FIFO, an add, ArgMax, output"
    )
    f.group(112, 12, 676, 226, "core")
    f.chain(
        60, 56,
        [
            (10, 88, "stream", "s_axis", ("AXI4-Stream",)),
            (128, 88, "stream", "input", ("frame check",)),
            (240, 88, "unit", "conv1", ("layer",)),
            (352, 60, "stream", "fork", ()),
            (440, 88, "unit", "conv2", ("layer",)),
            (560, 60, "sum", "add", ()),
            (636, 60, "unit", "dense", ("layer",)),
            (712, 68, "unit", "ArgMax", ()),
            (802, 88, "stream", "m_axis", ("AXI4-Stream",)),
        ],
    )  # fmt: skip
    f.box(440, 160, 88, 44, "FIFO", "short branch", kind="memory")
    f.arrow((382, 116), (382, 182), (438, 182))
    f.arrow((528, 182), (590, 182), (590, 118))
    f.text(262, 160, "every arrow: payload, valid, ready", "small")
    f.arrow((340, 205), (180, 205), back=True)
    f.text(262, 224, "ready runs upstream: backpressure", "small")
    return f


def layer() -> Figure:
    """The parts of a layer with weights."""
    f = Figure(860, 230, "A layer: window, engine with weight ROM, epilogue with threshold ROM")
    f.group(112, 12, 636, 206, "layer")
    f.chain(
        60, 64,
        [
            (8, 84, "stream", "pixels", ("S lanes",)),
            (130, 150, "memory", "window", ("line or row buffer,", "im2col on the fly")),
            (330, 160, "unit", "engine", ("array, unrolled or skip:", "M exact sums per window")),
            (540, 190, "sum", "epilogue", ("MultiThreshold, requantization", "or integer bias")),
            (768, 84, "stream", "codes", ("next layer",)),
        ],
    )  # fmt: skip
    f.box(330, 160, 160, 44, "weight ROM", "2 or 1.6 bits per trit", kind="memory")
    f.box(540, 160, 190, 44, "threshold ROM", "one row per output channel", kind="memory")
    f.arrow((410, 160), (410, 126))
    f.arrow((635, 160), (635, 126))
    f.text(305, 84, "K", "small")
    f.text(515, 84, "PE", "small")
    return f


def array() -> Figure:
    """PE rows of SIMD lanes."""
    f = Figure(
        900, 300, "Array engine: SIMD inputs are broadcast to PE rows of lanes and adder trees"
    )
    f.box(10, 110, 110, 64, "vector buffer", "K inputs,", "read M/PE times", kind="memory")
    f.arrow((120, 142), (168, 142), label="SIMD")
    f.group(170, 12, 560, 226, "PE rows")
    for row, (y, name) in enumerate(((44, "row 0"), (116, "row 1"), (176, "row PE - 1"))):
        if row == 1:
            f.text(450, y + 32, "...", "title")
            continue
        f.chain(
            y, 50,
            [
                (190, 130, "unit", "SIMD lanes", ("+x, 0 or -x",)),
                (350, 150, "sum", "adder tree", ("3 inputs per level",)),
                (530, 110, "sum", "accumulator", (f"{name}",)),
            ],
        )  # fmt: skip
        f.arrow((640, y + 25), (780, y + 25))
    f.arrow((172, 142), (180, 142), (180, 69), (188, 69))
    f.arrow((180, 142), (180, 201), (188, 201))
    f.box(190, 250, 130, 42, "weight ROM", "PE x SIMD trits", kind="memory")
    f.arrow((255, 250), (255, 228))
    f.box(
        782, 50, 108, 166, "epilogue", "a result per row", "every K/SIMD", "cycles", kind="stream"
    )
    f.text(520, 276, "interval = output pixels x (M / PE) x (K / SIMD) cycles", "title")
    return f


def lane() -> Figure:
    """Two ternary products added in one LUT per bit."""
    f = Figure(
        900, 250, "Two ternary lanes: mask and invert bits of two inputs, added in one LUT6_2"
    )
    f.group(10, 12, 420, 226, "what a lane does")
    f.text(30, 62, "trit code", "title", "start")
    f.text(150, 62, "term that is added", "title", "start")
    for number, (code, term) in enumerate(
        (("00", "0"), ("01", "x"), ("11", "ones' complement of x")), start=1
    ):
        f.text(30, 62 + 24 * number, code, "", "start")
        f.text(150, 62 + 24 * number, term, "", "start")
    for y, line in (
        (172, "The +1 that each ones' complement lacks is the same for every"),
        (190, "input: their sum is subtracted from the thresholds or added to"),
        (208, "the bias, so negation costs no logic."),
    ):
        f.text(30, y, line, "small", "start")
    f.group(450, 12, 440, 226, "one bit of two lanes on 7 series / UltraScale+")
    f.box(600, 60, 120, 90, "LUT6_2", "(a & m1 ^ s1) +", "(b & m2 ^ s2)", kind="unit")
    f.box(760, 60, 110, 90, "carry chain", "CARRY4 bit", kind="sum")
    for y, name in ((76, "input bits a, b"), (106, "trit 1: m1, s1"), (136, "trit 2: m2, s2")):
        f.text(464, y + 4, name, "small", "start")
        f.arrow((562, y), (598, y))
    f.arrow((720, 90), (758, 90))
    f.arrow((720, 120), (758, 120))
    f.text(739, 84, "O6", "small")
    f.text(739, 138, "O5", "small")
    f.arrow((815, 150), (815, 190))
    f.text(700, 210, "sum bit, straight into its flip-flop", "small")
    return f


def unrolled() -> Figure:
    """A matrix as wiring."""
    f = Figure(900, 300, "Unrolled engine: shared sums, compressor trees per output, registers")
    for number in range(4):
        f.box(10, 20 + 66 * number, 60, 40, f"x{number}", kind="stream")
    f.box(170, 40, 150, 52, "s = x0 + x1", "shared sum (CSE)", kind="sum")
    f.box(420, 26, 200, 60, "y0 = s - x3", "compressor tree", kind="unit")
    f.box(420, 116, 200, 60, "y1 = s + x2", "compressor tree", kind="unit")
    f.box(420, 206, 200, 60, "y2 = x3 - x2", "compressor tree", kind="unit")
    f.arrow((70, 40), (120, 40), (120, 58), (168, 58))
    f.arrow((70, 106), (120, 106), (120, 76), (168, 76))
    f.arrow((320, 56), (418, 56))
    f.arrow((360, 56), (360, 132), (418, 132))
    f.arrow((70, 172), (392, 172), (392, 160), (418, 160))
    f.arrow((392, 172), (392, 222), (418, 222))
    f.arrow((70, 238), (340, 238), (340, 76), (418, 76))
    f.arrow((340, 238), (418, 238))
    for y in (56, 146, 236):
        f.arrow((620, y), (690, y))
    f.box(692, 26, 60, 240, "FF", kind="memory")
    f.arrow((752, 146), (800, 146), label="M sums")
    f.text(846, 150, "epilogue", "small")
    f.text(450, 290, "no weight memory; zeros cost nothing; a new vector every cycle", "title")
    return f


def skip() -> Figure:
    """Only nonzero weights are executed."""
    f = Figure(
        900, 300, "Skip engine: schedule ROM addresses banks of inputs; lanes add nonzero terms"
    )
    f.box(10, 60, 120, 60, "permutation", "input to bank", kind="stream")
    f.box(
        10,
        210,
        160,
        60,
        "schedule ROM",
        "nonzero weights only:",
        "address, sign, last",
        kind="memory",
    )
    for number, y in enumerate((30, 110)):
        f.arrow((130, 90), (160, 90), (160, y + 25), (188, y + 25))
        f.box(190, y, 100, 50, f"bank {number}", "inputs", kind="memory")
        f.arrow((290, y + 25), (348, y + 25))
        f.box(350, y, 100, 50, f"lane {number}", "+x or -x", kind="unit")
        f.arrow((450, y + 25), (480, y + 25), (480, 95), (508, 95))
    f.arrow((170, 230), (240, 230), (240, 162))
    f.arrow((170, 250), (400, 250), (400, 162))
    f.text(228, 224, "address", "small")
    f.text(350, 244, "sign", "small")
    f.box(510, 65, 120, 60, "accumulator", "one per PE", kind="sum")
    f.arrow((170, 264), (570, 264), (570, 127))
    f.text(540, 258, "last", "small")
    f.arrow((630, 95), (668, 95))
    f.box(670, 65, 100, 60, "epilogue", "thresholds", kind="sum")
    f.arrow((770, 95), (798, 95))
    f.box(800, 65, 90, 60, "reorder", "channel order", kind="memory")
    f.text(740, 200, "cycles = nonzeros of the", "title")
    f.text(740, 220, "fullest bank, not M x K", "title")
    return f


def join() -> Figure:
    """Why a join needs a FIFO."""
    f = Figure(860, 260, "A residual join: without a FIFO the fork blocks the long branch")
    f.box(20, 80, 100, 50, "layer A", kind="unit")
    f.arrow((120, 105), (168, 105))
    f.box(170, 80, 70, 50, "fork", kind="stream")
    f.arrow((240, 95), (318, 95))
    f.box(320, 40, 200, 64, "layer B", "emits nothing until its", "window is full", kind="unit")
    f.arrow((520, 72), (640, 72), (640, 92))
    f.arrow((205, 130), (205, 195), (318, 195))
    f.box(
        320,
        165,
        200,
        60,
        "FIFO",
        "as deep as the beats that wait",
        "while B fills its window",
        kind="memory",
    )
    f.arrow((520, 195), (640, 195), (640, 134))
    f.box(605, 94, 70, 40, "add", kind="sum")
    f.arrow((675, 114), (740, 114))
    f.text(790, 118, "layer C", "small")
    f.arrow((605, 150), (540, 150), (540, 240), (205, 240), (205, 200), back=True)
    f.text(
        400,
        254,
        "without the FIFO this ready stays low: the fork stops, B starves: deadlock",
        "small",
    )
    return f


def timing() -> Figure:
    """Latency and interval of a pipeline."""
    f = Figure(860, 250, "Frames overlap in the pipeline: interval is set by the slowest unit")
    rows = (("conv1", 0, 100), ("conv2", 60, 150), ("dense", 190, 80))
    for row, (name, start, length) in enumerate(rows):
        y = 30 + 50 * row
        f.text(20, y + 20, name, "title", "start")
        for frame, kind in enumerate(("unit", "sum", "memory")):
            x = 90 + 150 * frame + start
            f.box(x, y, length - 6, 30, f"frame {frame}", kind=kind)
    f.arrow((90, 205), (354, 205))
    f.arrow((200, 205), (92, 205))
    f.text(222, 199, "latency of frame 0", "small")
    f.arrow((500, 205), (544, 205))
    f.arrow((500, 205), (398, 205))
    f.text(470, 199, "interval", "small")
    f.text(
        430, 238, "throughput = clock / interval; conv2 is the slowest unit and sets it", "title"
    )
    return f


FIGURES = (pipeline, layer, array, lane, unrolled, skip, join, timing)


def main() -> None:
    """Write every figure."""
    for figure in FIGURES:
        figure().write(figure.__name__)


if __name__ == "__main__":
    main()
