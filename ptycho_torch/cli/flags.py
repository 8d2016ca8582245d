"""Flags of a program, derived from the settings they set."""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ptycho_torch import config_params, settings
from ptycho_torch.errors import ConfigError, InputError
from ptycho_torch.settings import Flag, Setting

SPELLINGS = "Every flag may be spelt with - or with _ between its words."

_METAVARS = {int: "INT", float: "FLOAT", str: "TEXT", bool: "BOOL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagBinding:
    """The field that a flag sets."""

    flag: Flag
    section: str
    field: str

    @property
    def key(self) -> str:
        """The field as ``section.field``."""
        return f"{self.section}.{self.field}"

    @property
    def owner(self) -> type:
        """The settings record that holds the field."""
        return config_params.SECTIONS[self.section]


class FlagParser(argparse.ArgumentParser):
    """A parser without abbreviations, whose complaints are errors of this package.

    Args:
        program: Module of the package that is run.
        about: One sentence for the help text.
        usage: First line of the help text; None derives it from the flags.
        epilog: Last paragraph of the help text.
    """

    def __init__(
        self, program: str, about: str, *, usage: str | None = None, epilog: str = SPELLINGS
    ) -> None:
        super().__init__(
            prog=f"python -m ptycho_torch.{program}",
            usage=usage,
            description=about,
            epilog=epilog,
            formatter_class=_Help,
            allow_abbrev=False,
        )

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Accept any mixture of - and _ between the words of a flag."""
        words = sys.argv[1:] if args is None else args
        return super().parse_known_args([self._respell(word) for word in words], namespace)

    def _respell(self, word: str) -> str:
        name, equals, value = word.partition("=")
        kebab = name.replace("_", "-")
        if name in self._option_string_actions or kebab not in self._option_string_actions:
            return word
        return f"{kebab}{equals}{value}"

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving.

        Raises:
            InputError: Always.
        """
        named = re.match(r"argument (\S+?)(?:/\S+)*: (.*)", message)
        missing = re.match(r"the following arguments are required: ([^\s/,]+)", message)
        unknown = re.match(r"unrecognized arguments: (\S+)", message)
        if missing:
            raise InputError(missing[1], expected="a value", found="none")
        if unknown:
            known = [name for name in self._option_string_actions if name.startswith("--")]
            raise settings.unknown_key("command line", unknown[1], known)
        if named:
            raise InputError(
                named[1], expected=named[2].removeprefix("expected "), found="other"
            )
        raise InputError("command line", expected="flags as in --help", found=message)


class _Help(argparse.HelpFormatter):
    """Show one spelling of each flag; the other is described once."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        names = [name for name in action.option_strings if "_" not in name[2:]]
        text = ", ".join(names or action.option_strings)
        return text if action.nargs == 0 else f"{text} {action.metavar or ''}".rstrip()


def spellings(*names: str) -> list[str]:
    """Return the snake-case and kebab-case options of the given names, without repeats."""
    both = (f"--{text}" for name in names for text in (name, name.replace("_", "-")))
    return list(dict.fromkeys(both))


def add(parser: argparse.ArgumentParser, name: str, **about: Any) -> None:
    """Register a flag under both spellings, absent from the result unless given.

    Args:
        parser: Parser that gets the flag.
        name: Snake-case name.
        about: As for ``add_argument``; ``aliases`` names further spellings.
    """
    aliases: Sequence[str] = about.pop("aliases", ())
    about.setdefault("default", argparse.SUPPRESS)
    parser.add_argument(*spellings(name, *aliases), **{"dest": name, **about})


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Register ``--debug``, which `exits.run` looks for before anything is parsed."""
    meaning = "Show the traceback of an error."
    add(parser, "debug", action="store_true", default=False, help=meaning)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Register ``--quiet`` of a program whose settings have no such flag."""
    add(parser, "quiet", action="store_true", default=False, help="Say nothing.")


def add_companion(parser: argparse.ArgumentParser) -> None:
    """Register ``--companion-file`` of a program whose settings have no such flag."""
    meaning = "Second file, for pieces missing in the scan file."
    add(parser, "companion_file", metavar="FILE", help=meaning)


def add_tolerance(parser: argparse.ArgumentParser, default: float, meaning: str) -> None:
    """Register ``--tolerance`` of a program that compares; see `check_tolerance`."""
    text = f"{meaning} [default: {default:g}]"
    add(parser, "tolerance", type=float, default=default, metavar="FLOAT", help=text)


def check_tolerance(tolerance: float) -> None:
    """Refuse a tolerance that nothing, or everything, would meet.

    Raises:
        InputError: It is negative, infinite or no number.
    """
    if not 0 <= tolerance < float("inf"):
        raise InputError("--tolerance", expected="a number from 0", found=str(tolerance))


def list_bindings(mode: str) -> dict[str, FlagBinding]:
    """Map the flags of a program to the fields they set."""
    bindings = {}
    for section, owner in config_params.SECTIONS.items():
        for field in dataclasses.fields(owner):
            flag = settings.get_declaration(field).flag
            if flag is not None and mode in flag.modes:
                bindings[flag.name] = FlagBinding(flag=flag, section=section, field=field.name)
    return bindings


def register(parser: argparse.ArgumentParser, mode: str, required: Sequence[str]) -> None:
    """Add every flag that reaches a setting, under both spellings.

    Args:
        parser: Parser that gets the flags.
        mode: ``train`` or ``inference``.
        required: Names of the flags that must be given.
    """
    for name, binding in list_bindings(mode).items():
        about = settings.get_declaration(binding.owner.__dataclass_fields__[binding.field])  # type: ignore[attr-defined]
        text = help_text(binding, about)
        if binding.flag.on is None:
            add(
                parser,
                name,
                aliases=binding.flag.aliases,
                metavar=_metavar(binding, about),
                help=text,
                required=name in required,
            )
            continue
        add(parser, name, action="store_true", help=text)
        if binding.flag.off_name is not None:
            negative = spellings(binding.flag.off_name)
            parser.add_argument(
                *negative,
                dest=name,
                action="store_false",
                default=argparse.SUPPRESS,
                help=f"Opposite of --{name.replace('_', '-')}.",
            )


def help_text(binding: FlagBinding, about: Setting) -> str:
    """Say what a flag means, with its choices, unit and default."""
    default = binding.owner.__dataclass_fields__[binding.field].default  # type: ignore[attr-defined]
    unit = f" [{about.unit}]" if about.unit else ""
    is_shown = default is not None and not isinstance(default, bool) and binding.flag.on is None
    usual = f" [default: {default}]" if is_shown else ""
    return f"{about.meaning}{unit}{usual}".replace("%", "%%")


def _metavar(binding: FlagBinding, about: Setting) -> str:
    if about.choices is not None:
        _, optional = settings.field_types(binding.owner)[binding.field]
        return "|".join([*map(str, about.choices), *(["none"] if optional else [])])
    return (
        binding.flag.metavar or _METAVARS[settings.field_types(binding.owner)[binding.field][0]]
    )


def read(args: argparse.Namespace, mode: str) -> dict[str, Any]:
    """Turn the given flags into checked values by ``section.field``.

    Args:
        args: Parsed arguments; a flag that was not given is absent or None.
        mode: ``train`` or ``inference``.

    Returns:
        Only what was given.

    Raises:
        ConfigError: A value does not fit its field.
    """
    values = vars(args)
    return {
        binding.key: convert_argument(binding, values[name])
        for name, binding in list_bindings(mode).items()
        if values.get(name) is not None
    }


def convert_argument(binding: FlagBinding, value: Any) -> Any:
    """Turn the argument of one flag into the value of its field.

    Raises:
        ConfigError: The value does not fit the field.
    """
    flag = binding.flag
    if flag.on is not None and isinstance(value, bool):
        opposite = not flag.on if isinstance(flag.on, bool) else flag.off
        return flag.on if value else opposite
    if isinstance(value, str):
        return settings.parse(binding.owner, binding.field, value, where=flag.option)
    return settings.convert(binding.owner, binding.field, value, where=flag.option)


def refuse_empty(args: argparse.Namespace, names: Sequence[str]) -> None:
    """Refuse paths given as an empty text.

    Raises:
        ConfigError: One of the named flags is empty.
    """
    for name in names:
        if vars(args).get(name) == "":
            raise ConfigError(f"--{name}", expected="a path", found="''")
