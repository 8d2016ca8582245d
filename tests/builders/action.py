"""A double of the runner that walks through ``action.yml``: files, outputs, steps."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.numerics.numeric_class import CACHE

ROOT = Path(__file__).parents[2]
HARNESS = Path(sys.executable).with_name("harness")
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_ENV = re.compile(r"^ {8}(\w+): (.*)$", re.MULTILINE)
_INPUT = re.compile(r"^  ([\w-]+):\n(?:    .*\n)*?    default: (.*)$", re.MULTILINE)


@dataclass(slots=True)
class Walk:
    """How the steps went: the code of the first that failed, what they printed and wrote."""

    code: int = 0
    text: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    summary: str = ""


def steps() -> list[tuple[str, dict[str, str], str]]:
    """Return id, environment and script of each step of the action that is a script."""
    text = (ROOT / "action.yml").read_text("utf-8")
    steps_ = []
    for part in re.split(r"^    - ", text.partition("  steps:\n")[2], flags=re.MULTILINE)[1:]:
        _, marked, script = part.partition("      run: |\n")
        if marked:
            name = re.match(r"id: (\w+)", part)
            assert name is not None
            env = dict(_ENV.findall(part.partition("      run: |")[0]))
            lines = (line.removeprefix(" " * 8) for line in script.splitlines())
            body = "\n".join(line for line in lines if not line.startswith("    #"))
            steps_.append((name[1], env, body))
    return steps_


def defaults() -> dict[str, str]:
    """Return the inputs of the action that have defaults."""
    head = (ROOT / "action.yml").read_text("utf-8").partition("outputs:")[0]
    return {name: value.strip('"') for name, value in _INPUT.findall(head)}


def walk(root: Path, temp: Path, **inputs: str) -> Walk:
    """Walk through the steps in a checkout; the first that fails ends it, as on a runner.

    Args:
        root: The checkout.
        temp: The runner's own folder.
        inputs: Inputs, ``_`` for ``-``; ``base`` is empty where it is left out.
    """
    named = {key.replace("_", "-"): value for key, value in inputs.items()}
    values = {**defaults(), "base": "", "harness": str(HARNESS), **named}
    made = Walk()
    for name, env, script in steps():
        done, outputs, summary = _step(root, temp, made, (values, env, script))
        made.outputs[name] = outputs
        made.text += done.stdout + done.stderr
        made.summary += summary
        if done.returncode:
            made.code = done.returncode
            break
    return made


def _step(
    root: Path, temp: Path, made: Walk, call: tuple[dict[str, str], dict[str, str], str]
) -> tuple[subprocess.CompletedProcess[str], dict[str, str], str]:
    inputs, env, script = call
    output, summary = temp / "output.txt", temp / "summary.md"
    for path in (output, summary):
        path.write_text("")

    def value(match: re.Match[str]) -> str:
        kind, _, rest = match[1].partition(".")
        if kind == "inputs":
            return inputs[rest]
        assert kind == "steps"
        step, _, key = rest.partition(".outputs.")
        return made.outputs.get(step, {}).get(key, "")

    variables = {key: _EXPRESSION.sub(value, text) for key, text in env.items()}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],  # noqa: S607
        cwd=root / inputs["working-directory"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(temp),
            "LANG": "C.UTF-8",
            "CI": "true",
            CACHE: os.environ[CACHE],
            "RUNNER_TEMP": str(temp),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done, read_outputs(output.read_text("utf-8")), summary.read_text("utf-8")


def read_outputs(text: str) -> dict[str, str]:
    """Read a runner's file of outputs: ``name=value``, or several lines up to a mark."""
    outputs: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, sign, mark = line.partition("<<")
        if sign and "=" not in name:
            value_lines = []
            for inner in lines:
                if inner == mark:
                    break
                value_lines.append(inner)
            outputs[name] = "\n".join(value_lines)
        else:
            name, _, value = line.partition("=")
            outputs[name] = value
    return outputs
