"""Who ran a suite and by what recipe, for the commands that attest it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from harness.errors import ConfigError
from harness.sharing.export import in_toto
from harness.sharing.export.in_toto import Builder

F = TypeVar("F", bound=Callable[..., Any])


def builder_options(function: F) -> F:
    """Add ``--builder`` and ``--build-type`` to a command."""
    kind = click.option(
        "--build-type",
        default=in_toto.BUILD_TYPE,
        envvar="HARNESS_BUILD_TYPE",
        show_default=True,
        metavar="URI",
        help="Recipe of the run, for its provenance.",
    )
    who = click.option(
        "--builder",
        default=in_toto.BUILDER,
        envvar="HARNESS_BUILDER",
        show_default=True,
        metavar="URI",
        help="Service that ran the suite, for its provenance.",
    )
    return who(kind(function))


def builder(flags: dict[str, Any]) -> Builder:
    """Gather both.

    Raises:
        ConfigError: One is no URI, or an example's.
    """
    for option, name in (("--builder", "builder"), ("--build-type", "build_type")):
        value = flags[name]
        scheme, colon, rest = value.partition(":")
        if not colon or not scheme.isalnum() or not rest or not value.isprintable():
            raise ConfigError(
                option,
                found=repr(value)[:80],
                expected="a URI",
                remedy="Name the service that ran the suite, as https://… or urn:….",
            )
        if any(word in value for word in in_toto.EXAMPLE_ADDRESSES):
            raise ConfigError(
                option,
                found=f"an example address, {value}"[:120],
                expected="who ran it",
                remedy="Name the real service, or leave the option out.",
            )
    return Builder(id=flags["builder"], build_type=flags["build_type"])
