"""Pages of the site whose source is not a page: README, changelog, command line, API, notebooks.

MkDocs runs this file as a hook (``hooks`` in mkdocs.yml), so that no page has a second copy.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
AT_THE_ROOT = {
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
}
"""Pages of the site by the file at the root of the repository that holds their text."""

PACKAGES = ("quant", "export", "hw", "sim", "reports")
HELP_COLUMNS = "88"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here."""
    for page, source in AT_THE_ROOT.items():
        text = _as_seen_from_docs((ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "reference/cli.md", content=command_line()))
    for package in PACKAGES:
        page = f"reference/{package}.md"
        files.append(File.generated(config, page, content=package_reference(package)))
    for notebook in sorted((ROOT / "docs").rglob("*.ipynb")):
        name = notebook.relative_to(ROOT / "docs").with_suffix("").as_posix()
        text, pictures = notebook_page(json.loads(notebook.read_text(encoding="utf-8")), name)
        files.append(File.generated(config, f"{name}.md", content=text))
        for picture, content in pictures.items():
            files.append(File.generated(config, picture, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links from pages in docs/ to files at the root to the pages made of those."""
    for page, source in AT_THE_ROOT.items():
        markdown = markdown.replace(f"](../{source}", f"]({page}")
        markdown = markdown.replace(f"](../../{source}", f"](../{page}")
    return markdown


def _as_seen_from_docs(text: str) -> str:
    for page, source in AT_THE_ROOT.items():
        text = text.replace(f"]({source}", f"]({page}")
    return text.replace("](docs/", "](").replace('src="docs/', 'src="')


def command_line() -> str:
    """Return the reference of the command line, from the parser itself."""
    os.environ["COLUMNS"] = HELP_COLUMNS  # argparse wraps at the width of the terminal
    from tritforge.cli.main import parser

    top = parser()
    lines = [
        "# Command line",
        "",
        "What `tritforge COMMAND --help` prints. Exit status: 0 on success, 1 when a proof failed,",
        "2 for a mistake of the user (one line says what to do), 130 on Ctrl-C.",
        "",
        *("```text", top.format_help().strip(), "```", ""),
    ]
    (commands,) = (a for a in top._actions if isinstance(a, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        lines += [f"## tritforge {name}", "", "```text", command.format_help().strip(), "```", ""]
    return "\n".join(lines)


def package_reference(package: str) -> str:
    """Return a page that asks mkdocstrings for every module of ``package``."""
    lines = [f"# tritforge.{package}", ""]
    for path in sorted((ROOT / package).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name.startswith("_") or "__all__" not in text:
            continue
        module = ".".join(("tritforge", *path.relative_to(ROOT).with_suffix("").parts))
        lines += [f"::: {module}", ""]
    return "\n".join(lines)


def notebook_page(notebook: dict[str, Any], name: str) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as Markdown, and the pictures in its outputs by their file name."""
    pictures: dict[str, bytes] = {}
    parts: list[str] = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        for kind, content in _outputs(cell):
            if kind == "image/png":
                file = f"{name}_{len(pictures)}.png"
                pictures[file] = base64.b64decode(content)
                parts.append(f"![{_first_comment(text)}]({Path(file).name})")
            else:
                parts.append(f"```text\n{content.rstrip()}\n```")
    parts.append(f"*The notebook: `docs/{name}.ipynb`.*")
    return "\n\n".join(parts), pictures


def _outputs(cell: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            yield "text/plain", "".join(output["text"])
        else:
            kind = "image/png" if "image/png" in output["data"] else "text/plain"
            yield kind, "".join(output["data"][kind])


def _first_comment(code: str) -> str:
    found = re.search(r"^# *(.*)", code, re.MULTILINE)
    return found[1] if found else "output"
