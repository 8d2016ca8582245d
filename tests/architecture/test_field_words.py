"""The harness has no words of one model: what a field calls its pictures is declared."""

from __future__ import annotations

import ast
import re
from pathlib import Path

_HARNESS = Path(__file__).parents[2] / "harness"
_WORDS = re.compile(
    r"\b(amplitudes?|diffraction|exit waves?|far field|photons?|patches|frc|oversampling"
    r"|illumination|ptycho_torch|probe_scale|intensity_scale)\b",
    re.IGNORECASE,
)
# Patches of source code, which drills are.
_OF_DRILLS = ("experiments/drills/", "cli/drill.py", "judgement/gate/")


def test_texts_have_no_words_of_one_model() -> None:
    """No string of the code and no template speaks of ptychography."""
    spoken = [
        f"{path.relative_to(_HARNESS)}: {match[0]}"
        for path in sorted(_HARNESS.rglob("*"))
        if path.suffix in {".py", ".j2"}
        if not path.relative_to(_HARNESS).as_posix().startswith(_OF_DRILLS)
        for text in _list_texts(path)
        for match in _WORDS.finditer(text)
    ]

    assert spoken == []


def test_such_words_are_seen() -> None:
    """The search finds what it is for."""
    assert _WORDS.search("the amplitude of it")
    assert _WORDS.search('read.get("frc")')
    assert not _WORDS.search("a patch of source code")


def _list_texts(path: Path) -> list[str]:
    """Return the texts that a person may read: a template, or the strings of a module."""
    content = path.read_text("utf-8")
    if path.suffix == ".j2":
        return [content]
    nodes = ast.walk(ast.parse(content))
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
