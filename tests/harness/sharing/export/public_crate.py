"""Judge a crate with the public validator, offline: ``python public_crate.py FOLDER PROFILE``.

Runs in an environment of its own, see ``make test-crate``. Prints a line of JSON for each
issue: severity, check, message. The two contexts are not asked for over the network: the terms
that our crates use are given here, as RO-Crate 1.2 defines them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import requests
from rocrate_validator import services
from rocrate_validator.models import ValidationSettings
from rocrate_validator.utils.http import HttpRequester

_SCHEMA = "http://schema.org/"
_TERMS = (
    "CreateAction CreativeWork Dataset Person SoftwareApplication about actionStatus agent"
    " contentSize datePublished description encodingFormat endTime error hasPart identifier"
    " instrument license mentions name object publisher result startTime url version"
)
CONTEXT = {
    **{term: _SCHEMA + term for term in _TERMS.split()},
    "File": f"{_SCHEMA}MediaObject",
    "Profile": "http://www.w3.org/ns/dx/prof/Profile",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
}


def _answer(_self: HttpRequester, url: str, *_: object, **__: object) -> requests.Response:
    """Answer for the network: contexts are known, and nothing else is there."""
    answer = requests.Response()
    answer.url, answer.status_code = url, 200 if url.endswith("/context") else 404
    answer.headers["Content-Type"] = "application/ld+json"
    answer._content = json.dumps({"@context": CONTEXT}).encode()
    return answer


def main(folder: str, profile: str) -> None:
    """Print the issues of a crate against one profile, those of recommendations included."""
    HttpRequester.get = HttpRequester.head = _answer
    with tempfile.TemporaryDirectory() as cache:
        wanted = ValidationSettings.parse(
            {
                "rocrate_uri": folder,
                "profile_identifier": profile,
                "requirement_severity": "RECOMMENDED",
                "offline": True,
                "cache_path": Path(cache) / "cache",
                # The process profile builds on 1.1; 1.2 is asked for by itself.
                "disable_inherited_profiles_issue_reporting": profile != "ro-crate-1.2",
            }
        )
        issues = services.validate(wanted).get_issues()
    for issue in issues:
        line = [issue.severity.name, issue.check.name, issue.message]
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
