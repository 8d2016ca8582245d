"""First screens of red reports as small pictures: what is broken, read in ten seconds."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

_EXTENT = (1100, 700)
_COLOURS = 24
_LARGEST = 60_000
_TIMEOUT_S = 120


def take_pictures(reports: Iterable[tuple[str, str]], folder: Path) -> list[Path]:
    """Take the first screen of each report with Chromium and keep it with few colours.

    Args:
        reports: Names and pages of red hubs.
        folder: Where ``red-<name>.png`` is written.

    Raises:
        FileNotFoundError: There is no Chromium on the path.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise FileNotFoundError("chromium")
    pictures = []
    for name, page in reports:
        with tempfile.TemporaryDirectory(prefix="screens-") as place:
            shot, report = Path(place) / "shot.png", Path(place) / "report.html"
            report.write_text(page, "utf-8")
            words = [chromium, "--headless", "--no-sandbox", "--disable-gpu"]
            words += [f"--user-data-dir={place}/profile", "--hide-scrollbars"]
            words += [f"--window-size={_EXTENT[0]},{_EXTENT[1]}", f"--screenshot={shot}"]
            called = [*words, report.as_uri()]
            subprocess.run(called, check=True, capture_output=True, timeout=_TIMEOUT_S)
            picture = folder / f"red-{name}.png"
            with Image.open(shot) as image:
                image.convert("RGB").quantize(_COLOURS).save(picture, optimize=True)
        if picture.stat().st_size > _LARGEST:
            raise AssertionError(f"{picture} has {picture.stat().st_size} bytes")
        pictures.append(picture)
    return pictures
