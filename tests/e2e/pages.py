"""The pages of documentation, as blocks: what they say to type, to save, to send."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    marks: list[str]
    text: str

    def mark(self, name: str) -> str | None:
        return next((m.partition("=")[2] for m in self.marks if m.partition("=")[0] == name), None)


def blocks(page: str) -> list[Block]:
    """Of a page, by its path from the root, in their order."""
    found = BLOCK.findall((ROOT / page).read_text())
    return [Block(language, marks.split(), text) for language, marks, text in found]


def block(page: str, name: str) -> str:
    """What the page says to save under a name."""
    (text,) = [b.text for b in blocks(page) if name in (b.mark("file"), b.mark("unit"))]
    return text
