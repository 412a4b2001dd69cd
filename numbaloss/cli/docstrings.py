"""numpydoc docstrings, printed for people: formulas as text, sections as headed lists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from numbaloss.cli.formula import plain

HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
ROLE = re.compile(r":(math|class|func|ref|mod|meth):`([^`]*)`|``([^`]+)``|`([^`]+)`")


def print_docstring(out: Console, doc: str, without: tuple[str, ...] = ()) -> None:
    """Print a docstring, but for its sections `without`."""
    parts = HEADING.split(doc)
    for block in _blocks(parts[0].strip()):
        out.print(block)
        out.print()
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title not in without:
            out.print(f"[bold]{title}[/]")
            for line in _section(title, body.rstrip("\n")):
                out.print(line)
            out.print()


def _blocks(text: str) -> Iterator[RenderableType]:
    """Paragraphs and formulas."""
    for index, block in enumerate(re.split(r"\n\s*\n", text)):
        if block.startswith(".. math::"):
            yield Padding(Text(plain(block.removeprefix(".. math::")), style="bold magenta"), (0, 0, 0, 4))
        else:
            yield Text.from_markup(inline(block), style="bold" if index == 0 else "")


def _section(title: str, body: str) -> Iterator[RenderableType]:
    if title == "Examples":
        yield Padding(Syntax(body, "pycon", background_color="default", word_wrap=True), (0, 0, 0, 2))
    elif title in ("Parameters", "Returns", "Raises"):
        for entry in re.split(r"\n(?=\S)", body):
            head, _, rest = entry.partition("\n")
            name, colon, kind = head.partition(" : ")
            yield f"  [name]{escape(name)}[/]{f'  [dim]{inline(kind)}[/]' if colon else ''}"
            if rest.strip():
                yield Padding(Text.from_markup(inline(_unindented(rest))), (0, 0, 0, 6))
    else:
        yield Padding(Text.from_markup(inline(_unindented(body))), (0, 0, 0, 2))


def inline(text: str) -> str:
    """Roles and quotes of reStructuredText as markup; lines joined."""
    text = " ".join(text.split())
    parts, end = [], 0
    for found in ROLE.finditer(text):
        role, content, code, name = found.groups()
        parts.append(escape(text[end : found.start()]))
        if role == "math":
            parts.append(f"[magenta]{escape(plain(content))}[/]")
        else:
            parts.append(f"[name]{escape(content or code or name)}[/]")
        end = found.end()
    return "".join([*parts, escape(text[end:])])


def _unindented(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())
