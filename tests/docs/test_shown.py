"""Links lead somewhere, and the commands that are shown exist as they are page_text."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import click
import pytest

from harness.cli import main, options, reference
from proofs.docs import model_cli, page_text, site

MAKEFILE = (page_text.ROOT / "Makefile").read_text("utf-8")
# Programs that are not ours and may be page_text.
KNOWN = {"cd", "eval", "export", "git", "pip", "pytest", "sed", "sha256sum", "source"}


@pytest.mark.parametrize("page", page_text.PAGES, ids=page_text.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there, and an anchor that it has."""
    text = page.read_text("utf-8")
    broken = []
    for target in page_text.links(text):
        place, _, anchor = target.partition("#")
        path = (page.parent / place).resolve() if place else page
        if not path.exists() or (anchor and anchor not in page_text.anchors(path)):
            broken.append(target)

    assert broken == []


def test_links_that_leave_the_site_become_text(tmp_path: Path) -> None:
    """A link to a test is dead on the site; one to a page is kept, a picture too."""
    docs = tmp_path / "docs"
    page = docs / "how-to" / "a.md"
    text = (
        "[b](../b.md#c) [t](../../tests/t.py#test_x) ![p](../pictures/p.png) [w](https://e.org)"
    )

    assert site.inside(text, page, docs) == text.replace("[t](../../tests/t.py#test_x)", "t")


def test_pages_that_the_menu_forgot_are_added(tmp_path: Path) -> None:
    """Every page is reachable: measurements and decisions are found by their files."""
    (tmp_path / "adr").mkdir()
    for name in ("index.md", "speed.md", "adr/0001-why.md"):
        (tmp_path / name).write_text("# x\n")

    config = site.on_config({"docs_dir": str(tmp_path), "nav": [{"Home": "index.md"}]})

    assert config["nav"][1:] == [{"Measured": ["speed.md"]}, {"Decisions": ["adr/0001-why.md"]}]


def test_the_menu_lists_pages_that_exist() -> None:
    """No entry of mkdocs.yml is dead, and none stands twice."""
    menu = re.findall(
        r": ([\w/-]+\.md)$", (page_text.ROOT / "mkdocs.yml").read_text(), re.MULTILINE
    )

    assert [page for page in menu if not (page_text.DOCS / page).is_file()] == []
    assert len(set(menu)) == len(menu)


@pytest.mark.parametrize("page", page_text.PAGES, ids=page_text.name)
def test_commands_that_are_shown_exist(page: Path) -> None:
    """Every line of a shell block is accepted by the parser of its program."""
    lines = page_text.commands(page.read_text("utf-8"))

    assert [(words, problem) for words in lines if (problem := _find_problem(words))] == []


@pytest.mark.parametrize("page", page_text.PAGES, ids=page_text.name)
def test_commands_in_sentences_exist(page: Path) -> None:
    """A command in a sentence may be shortened, but its words and options are real."""
    wrong = []
    for span in page_text.spans(page.read_text("utf-8")):
        words = span.split(" > ")[0].split()
        problem = (
            _unknown_words(words[1:]) if words[0] == "harness" else _find_problem(words[:3])
        )
        if problem:
            wrong.append(f"{span}: {problem}")

    assert wrong == []


def test_examples_of_the_help_exist() -> None:
    """Every example below a help is accepted by the parser of its command."""
    lines = [
        line.strip()
        for _, text in reference.blocks()
        for line in text.partition("Examples:")[2].splitlines()
    ]
    # What follows a wide gap is a remark.
    examples = [re.split(r" {3,}", line)[0] for line in lines if line.startswith("harness ")]

    assert len(examples) > 40
    typed = [words for example in examples for words in page_text.typed(example)]
    assert [(words, problem) for words in typed if (problem := _find_problem(words))] == []


@pytest.mark.parametrize(
    "line",
    [
        "harness verfiy --hub latest",
        "harness run quick --dateset x.npz",
        "harness golden update forward-parity --reson x",
        "python -m ptycho_torch.train --train_data_file a.npz --output_dir b --epoch 3",
        "python -m ptycho_torch.trian --output_dir b",
        "python -m ptycho_torch.inference --model_path m",
        "make fast",
        "reframe -r",
    ],
)
def test_a_wrong_command_is_noticed(line: str) -> None:
    """Each of these has a word, an option or a program that does not exist, or lacks one."""
    assert _find_problem(line.split()) != ""


def _find_problem(words: list[str]) -> str:
    if words[0] == "harness":
        return _harness(words[1:])
    if words[0] == "make":
        return _make(words[1:])
    if words[:2] == ["python", "-m"]:
        return _module(words[2], words[3:])
    return "" if words[0] in KNOWN else "an unknown program"


def _make(words: list[str]) -> str:
    targets = [word for word in words if "=" not in word]
    missing = [word for word in targets if not re.search(rf"^{word}:", MAKEFILE, re.MULTILINE)]
    variables = [word.partition("=")[0] for word in words if "=" in word]
    return ", ".join(missing + [name for name in variables if f"$({name})" not in MAKEFILE])


def _module(module: str, words: list[str]) -> str:
    package, _, program = module.partition(".")
    if module == "harness":
        return _harness(words)
    if package == "ptycho_torch":
        return _model(program, words) if program in model_cli.PROGRAMS else "no such program"
    if module in ("pytest", "pip") or module == "proofs.docs":
        return ""
    return "" if importlib.util.find_spec(module) else "no such module"


def _model(program: str, words: list[str]) -> str:
    if words in ([], ["--help"]):
        return ""
    try:
        model_cli.parser(program).parse_args(words)
    except (SystemExit, Exception) as error:  # noqa: BLE001 - any refusal is the finding
        return str(error) or "refused"
    return ""


def _harness(words: list[str]) -> str:
    """Let every parser on the way read its part of the line; nothing is run."""
    command: click.Command = main.group
    parent, name, rest = None, "harness", words
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            while True:
                # A line may be shown without its last words only when it asks for help.
                context = command.make_context(name, list(rest), parent, **options.CONTEXT)
                if not isinstance(command, click.Group) or not context._protected_args:
                    return ""
                rest = [*context._protected_args, *context.args]
                name, subcommand, rest = command.resolve_command(context, rest)
                assert subcommand is not None
                command, parent = subcommand, context
    except click.exceptions.Exit:
        return ""  # --help and --version answer and leave
    except click.BadParameter as error:
        return "" if "does not exist" in error.format_message() else error.format_message()
    except click.UsageError as error:
        return error.format_message()


def _unknown_words(words: list[str]) -> str:
    """Check the names of commands and options, not their values."""
    command: click.Command = main.group
    context = click.Context(command, info_name="harness")
    for word in words:
        if isinstance(command, click.Group) and not word.startswith("-"):
            for name in word.strip("{}").split(","):
                subcommand = command.get_command(context, name.strip())
                if subcommand is None:
                    return f"no command {name}"
            command, context = (
                subcommand,
                click.Context(subcommand, info_name=name, parent=context),
            )
        elif word.startswith("--"):
            known = {flag for p in command.get_params(context) for flag in p.opts}
            if word.partition("=")[0] not in known:
                return f"no option {word}"
    return ""
