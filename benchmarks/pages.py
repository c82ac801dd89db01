"""The sections of docs/results.md that programs write, each between its marks."""

from __future__ import annotations

import re
from pathlib import Path

from tritforge.files import write_atomic

__all__ = ["PAGE", "section"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "results.md"

HEAD = """# Measured

Error of the estimator, other targets, designs chosen by `explore`, the tables of the ICS paper
(He, Gong, Fan 2019), and accuracy against LUTs. Every section is written by a program from
figures in `docs/results/`; none is edited by hand. More measurements: accuracy of every method in
[Training](training.md#measured), [the three engines](engines.md), [the unrolled engine beside
da4ml](unrolled.md), [whole networks](networks.md), and [what was verified](verification.md).
"""


def section(name: str, title: str, text: str, page: Path = PAGE) -> None:
    """Put ``text`` under ``title`` in place of the section ``name``, or at the end of the page.

    Raises
    ------
    ValueError: ``name`` is no word.
    """
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"name must be a word, not {name!r}")
    content = page.read_text(encoding="utf-8") if page.is_file() else HEAD
    new = (
        f"<!-- {name}: written by a program -->\n\n## {title}\n\n{text.strip()}\n\n"
        f"<!-- end of {name} -->\n"
    )
    old = re.compile(rf"<!-- {name}: .*?<!-- end of {name} -->\n", re.DOTALL)
    if old.search(content):
        content = old.sub(lambda _: new, content)
    else:
        content = f"{content.rstrip()}\n\n{new}"
    write_atomic(page, content)
