"""Runs a notebook's code cells in this process and stores what they print and draw in it.

    python docs/notebooks/execute.py docs/notebooks/digits.ipynb

So neither a kernel nor Jupyter is needed to test the notebook and to show it in the site.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

DOTS_PER_INCH = 80


def execute(notebook: dict[str, Any]) -> dict[str, Any]:
    """Run the code cells in order and replace their outputs.

    Raises
    ------
    Exception: what a cell raises.
    """
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, start=1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
        cell["execution_count"] = number
        cell["outputs"] = []
        if printed.getvalue():
            text = printed.getvalue().splitlines(keepends=True)
            cell["outputs"].append({"output_type": "stream", "name": "stdout", "text": text})
        for figure in map(pyplot.figure, pyplot.get_fignums()):
            picture = io.BytesIO()
            figure.savefig(
                picture,
                format="png",
                dpi=DOTS_PER_INCH,
                bbox_inches="tight",
                metadata={"Software": None},
            )
            data = {"image/png": base64.b64encode(picture.getvalue()).decode()}
            cell["outputs"].append({"output_type": "display_data", "metadata": {}, "data": data})
        pyplot.close("all")
    return notebook


def main() -> None:
    """Execute the notebooks named on the command line, in place."""
    for name in sys.argv[1:]:
        done = execute(json.loads(Path(name).read_text(encoding="utf-8")))
        text = json.dumps(done, indent=1, ensure_ascii=False) + "\n"
        Path(name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
