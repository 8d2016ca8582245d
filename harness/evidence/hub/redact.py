"""What a hub may say: no layout of the machine, and no secret.

Absolute paths become ``<root>``, ``<home>``, ``<tmp>`` and the like, and values that look like
secrets become ``<secret>``, so that a log can be carried to any machine.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.evidence.hub.printable import visible
from harness.files import real_path

_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSW|API_?KEY|ACCESS_?KEY|PRIVATE|CREDENTIAL|(^|_)AUTH(_|$)"
)
_SHORTEST_SECRET = 6
_LONG_WORD = 16  # a word or a number this long may be a secret all the same
_SECRET_FORMS = (
    rb"gh[pousr]_[A-Za-z0-9]{20,}",
    rb"github_pat_[A-Za-z0-9_]{20,}",
    rb"glpat-[A-Za-z0-9_-]{16,}",
    rb"AKIA[A-Z0-9]{16}",
    rb"xox[abprs]-[A-Za-z0-9-]{10,}",
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{0,8192}?-----END [A-Z ]*PRIVATE KEY-----",
    rb"(?<=://)[^\s/:@]{1,64}:[^\s/@]{1,256}(?=@)",
)
_TEXT_ENDINGS = (".json", ".jsonl", ".csv", ".txt", ".log", ".md", ".toml", ".yaml", ".yml")
_JSON_ENDINGS = (".json", ".jsonl")
_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_XML_TEXT = re.compile(rb"""(?<=>)[^<]+|(?<==)"[^"<]*"|(?<==)'[^'<]*'""")
# What stands behind a name like TOKEN_LIMIT: a number or a switch, in every table of numbers.
_NO_SECRET = re.compile(
    r"[-+]?[0-9.,_eE+-]+|true|false|none|null|yes|no|on|off|[a-z]+", re.IGNORECASE
)
_LARGEST_TEXT = 64 << 20


class Redactor:
    """Replaces what must not be stored; the same object serves a whole run."""

    def __init__(self, places: Mapping[str, str], secrets: tuple[str, ...] = ()) -> None:
        """Take marker names by absolute path, and secret values."""
        marks = {os.fsencode(path): f"<{name}>".encode() for path, name in places.items()}
        for value in secrets:
            # In a JSON string a secret stands with the escapes that such strings have.
            for form in (
                value,
                json.dumps(value)[1:-1],
                json.dumps(value, ensure_ascii=False)[1:-1],
            ):
                marks[os.fsencode(form)] = b"<secret>"
        self._marks = marks
        self.longest = max((len(key) for key in marks), default=0) + 1
        literal = b"|".join(re.escape(k) for k in sorted(marks, key=len, reverse=True))
        forms = b"|".join(b"(?:%s)" % form for form in _SECRET_FORMS)
        # A place ends at a separator: /srv/app is not a part of /srv/apple.
        pattern = b"(?P<mark>%s)(?![A-Za-z0-9])|" % literal if marks else b""
        self._pattern = re.compile(pattern + b"(?P<form>" + forms + b")")

    def clean(self, content: bytes) -> bytes:
        """Replace places and secrets in bytes."""
        return self._pattern.sub(
            lambda m: (
                self._marks[m["mark"]] if "mark" in m.groupdict() and m["mark"] else b"<secret>"
            ),
            content,
        )

    def text(self, text: str) -> str:
        """Replace places and secrets in text that a record keeps."""
        return visible(self.clean(text.encode(errors="backslashreplace")).decode())

    def log(self, content: bytes) -> bytes:
        """Clean a piece of output; what is not UTF-8 is written as escapes."""
        text = self.clean(content).decode(errors="backslashreplace")
        return visible(text).encode()

    def xml(self, content: bytes) -> bytes:
        """Clean the texts and attributes of an XML file; markers are written as entities."""
        return _XML_TEXT.sub(lambda m: self._pattern.sub(self._entity, m[0]), content)

    def _entity(self, match: re.Match[bytes]) -> bytes:
        return self.clean(match[0]).replace(b"<", b"&lt;").replace(b">", b"&gt;")

    def _json(self, content: bytes) -> bytes:
        """Clean JSON, of one value or of lines: its strings alone, so that it stays JSON."""
        return _JSON_STRING.sub(lambda m: b'"%s"' % self.clean(m[0][1:-1]), content)

    def file(self, path: Path, content: bytes) -> bytes:
        """Clean an artifact where it is text; pictures and arrays stay as they are."""
        ending = path.suffix.lower()
        if ending == ".xml":
            return self.xml(content)
        if ending in _JSON_ENDINGS and len(content) <= _LARGEST_TEXT:
            return self._json(content)
        if ending in _TEXT_ENDINGS and len(content) <= _LARGEST_TEXT and b"\0" not in content:
            return self.clean(content)
        return content


def for_run(
    root: Path, environment: Mapping[str, str], datasets: Mapping[str, Path]
) -> Redactor:
    """Make the redactor of a run from the places and the environment it runs in.

    Args:
        root: Folder of the project.
        environment: Variables of this process; values of secret-looking names are secrets.
        datasets: Files given by role.
    """
    import tempfile  # noqa: PLC0415 - a run needs it, and verify starts without

    places: dict[str, str] = {}

    def add(path: str | Path, name: str) -> None:
        for form in {str(path), str(real_path(Path(path)))}:
            if len(Path(form).parts) > 1:
                places.setdefault(form, name)

    add(root, "root")
    for role, path in datasets.items():
        add(path, f"dataset:{role}")
        add(path.parent, f"data:{role}")
    if home := environment.get("HOME") or home_of_account():
        add(home, "home")
    add(tempfile.gettempdir(), "tmp")
    add("/tmp", "tmp")  # noqa: S108 - a name to replace, not a place to write
    add("/var/tmp", "tmp")  # noqa: S108 - likewise
    add(sys.prefix, "python")
    add(sys.base_prefix, "python")
    secrets = tuple(
        value
        for name, value in environment.items()
        if _SECRET_NAME.search(name.upper())
        and len(value) >= _SHORTEST_SECRET
        and not (_NO_SECRET.fullmatch(value) and len(value) < _LONG_WORD)
    )
    return Redactor(places, secrets)


def home_of_account() -> Path | None:
    """Return the home that the account has; a user without an entry has none."""
    try:
        return Path.home()
    except RuntimeError:
        return None
