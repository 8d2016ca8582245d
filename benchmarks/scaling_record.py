"""The measured half of docs/scaling.md: one JSON file, each benchmark renews its own part."""

from __future__ import annotations

import json
import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
RECORD = DOCS / "scaling.json"


def update(part: str, content: dict[str, Any], *, is_small: bool, path: Path) -> None:
    """Replace one part and say when and where it was measured."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    about = {
        "form": "small" if is_small else "full",
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
        "load_average_before": os.getloadavg()[2],
    }
    known[part] = {**about, **content}
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
