"""An explanation as one page: what is said of a run, and its pictures beside those before.

A self-contained file: no network, no script; all foreign text is escaped.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.evidence.hub import digest
from harness.frozen import dataclass
from harness.records import ArtifactRecord, HubRecord
from harness.reporting import captions, text

_PNG = b"\x89PNG\r\n\x1a\n"
_BUDGET = 1_250_000  # bytes of all embedded pictures, so that a page stays below 2 MB
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:75rem}"
    ":root{color-scheme:light dark}pre{white-space:pre-wrap;overflow-wrap:anywhere}"
    "figure{display:inline-block;margin:0 1rem 1rem 0}"
    "img{max-width:34rem;image-rendering:pixelated;border:1px solid #8886}"
    "figcaption,.quiet{color:GrayText}"
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of two runs: what it is called, its folder, its record."""

    title: str
    folder: Path
    record: HubRecord


def render(
    title: str, said: str, before: Side | None, now: Side, declared: Mapping[str, str]
) -> str:
    """Write the page.

    Args:
        title: The run.
        said: The explanation as it stands on a terminal, without colours.
        before: The green run it is held against, if there is one.
        now: The run that is explained.
        declared: The project's captions of pictures, by a word of a name.
    """
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(text.visible(title))}</title><style>{_STYLE}</style></head><body>"
    )
    words = "\n".join(map(text.visible, said.splitlines()))
    body = [f"<h1>{html.escape(text.visible(title))}</h1>", f"<pre>{html.escape(words)}</pre>"]
    if before is not None:
        body += [
            "<h2>Pictures that differ</h2>",
            *(_pairs(before, now, declared) or ["<p>None.</p>"]),
        ]
    return head + "\n".join(body) + "\n</body></html>\n"


def _pairs(before: Side, now: Side, declared: Mapping[str, str]) -> Sequence[str]:
    old, new = (
        {artifact.id: artifact for artifact in side.record.artifacts if _is_picture(artifact)}
        for side in (before, now)
    )
    left = _BUDGET
    parts = []
    for name, artifact in new.items():
        if name not in old or old[name].sha256 == artifact.sha256:
            continue
        contents = [_read(before, old[name]), _read(now, artifact)]
        size = sum(map(len, contents))
        parts.append(f"<h3>{html.escape(text.visible(name))}</h3>")
        caption = captions.of_picture(Path(artifact.path).name, declared)
        parts += (
            [f'<p class="quiet">{html.escape(text.visible(caption))}</p>'] if caption else []
        )
        if size > left:
            parts.append("<p>Too large to be shown here.</p>")
            continue
        left -= size
        parts += _figures((before.title, now.title), contents, name)
    return parts


def _figures(titles: Sequence[str], contents: Sequence[bytes], name: str) -> Iterator[str]:
    for title, content in zip(titles, contents, strict=True):
        words = html.escape(text.visible(title))
        if content.startswith(_PNG):
            source = base64.b64encode(content).decode()
            alt = html.escape(text.visible(f"{name}, {title}"))
            image = f'<img src="data:image/png;base64,{source}" alt="{alt}">'
        else:
            image = "<p>no picture</p>"
        yield f"<figure>{image}<figcaption>{words}</figcaption></figure>"


def _is_picture(artifact: ArtifactRecord) -> bool:
    return artifact.path.lower().endswith(".png") and not artifact.external


def _read(side: Side, artifact: ArtifactRecord) -> bytes:
    """Return the bytes of a picture; none where it is a link, gone or too large."""
    path = side.folder / artifact.path
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _BUDGET:
        return b""
    return digest.read_bytes(path, _BUDGET)
