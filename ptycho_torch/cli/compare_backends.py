"""The comparison program: do PyTorch, TensorFlow and the oracle compute the same model?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ptycho_torch import backends, files
from ptycho_torch.cli import exits, flags
from ptycho_torch.config_params import PyTorchExecutionConfig, RunSection
from ptycho_torch.errors import ConfigError, InputError, PtychoError

SCHEMA = 1

_ABOUT = "Compare both backends with the oracle stage by stage, and two runs with each other."
_PAIRS = ("training", "inference")


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the comparison program."""
    parser = flags.FlagParser("compare_backends", _ABOUT)
    flags.add(
        parser, "model_path", required=True, metavar="PATH", help="Bundle, or its folder."
    )
    flags.add(parser, "data", required=True, metavar="FILE", help="Scan to take groups from.")
    flags.add_companion(parser)
    flags.add(parser, "output", required=True, metavar="FILE", help="Where the numbers go.")
    flags.add(parser, "groups", type=int, default=8, metavar="INT", help="Groups [default: 8]")
    flags.add_tolerance(
        parser, 2e-5, "Largest relative L2 from the oracle that counts as equal"
    )
    for kind in _PAIRS:
        flags.add(
            parser,
            kind,
            nargs=2,
            metavar=("TORCH", "TENSORFLOW"),
            help=f"Output folders of one {kind} with each backend, compared as well.",
        )
    flags.add_debug(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison program and return its exit code."""
    return exits.run(run, make_parser(), argv)


def run(args: argparse.Namespace) -> int:
    """Compare, write the numbers, print them; fail where a stage differs.

    Raises:
        InputError: A file or number cannot be used, or TensorFlow is not installed.
        PtychoError: A stage differs from the oracle by more than the tolerance.
    """
    _check(args)
    backends.require(PyTorchExecutionConfig(accelerator="cpu", backend=backends.TENSORFLOW))
    output = Path(args.output)
    companion = vars(args).get("companion_file")
    report = _stages(
        Path(args.model_path), Path(args.data), companion, args.groups, args.tolerance
    )
    report |= _runs(vars(args))
    files.write_json(output, report)
    for stage, by_backend in report["stages"].items():
        text = ", ".join(
            f"{name} {_format_number(value)}" for name, value in by_backend.items()
        )
        print(f"{stage:10} {text}")
    first = report["first_stage"]
    if first is not None:
        raise PtychoError(
            f"{output}: {first}",
            expected=f"relative L2 up to {args.tolerance:g} from the oracle",
            found=", ".join(
                f"{name} {_format_number(value)}"
                for name, value in report["stages"][first].items()
            ),
            remedy=f"{first} is the first stage that differs",
        )
    print(f"every stage within {args.tolerance:g} of the oracle: {output}")
    return 0


def _check(args: argparse.Namespace) -> None:
    flags.check_tolerance(args.tolerance)
    if args.groups < 1:
        raise InputError("--groups", expected="at least 1", found=str(args.groups))
    flags.refuse_empty(args, ("model_path", "data", "output"))


def _stages(
    model_path: Path, data: Path, companion: str | None, count: int, tolerance: float
) -> dict[str, Any]:
    """Run the first groups of a scan through all three implementations."""
    from ptycho_torch import config_factory
    from ptycho_torch.backends import stages
    from ptycho_torch.data import scan_file
    from ptycho_torch.reconstruct import predict
    from ptycho_torch.workflows import components

    model, info = components.load_inference_bundle_torch(model_path)
    architecture = info.configs.model.architecture
    if architecture != "cnn":
        raise ConfigError(
            f"{model_path}: architecture",
            expected="cnn, the network that the oracle knows",
            found=architecture,
        )
    config = config_factory.read_again(info.configs.data, data, companion)
    scan = scan_file.read(data, config)
    if scan.side != info.geometry.N:
        raise InputError(
            scan.name, expected=f"frames of side {info.geometry.N}", found=f"side {scan.side}"
        )
    plan = predict.plan(scan, info.configs.data, None, RunSection().seed)
    groups = plan.groups[:count]
    far = stages.compare(model, info, scan, groups)
    worst = {
        name: _number(max(by_backend[name] for by_backend in far.values()))
        for name in (backends.TORCH, backends.TENSORFLOW)
    }
    return {
        "schema": SCHEMA,
        "groups": len(groups),
        "tolerance": tolerance,
        "stages": {
            stage: {name: _number(value) for name, value in by_backend.items()}
            for stage, by_backend in far.items()
        },
        "worst": worst,
        "first_stage": stages.first_stage(far, tolerance),
        "dataset_sha256": scan.sha256,
        "bundle_sha256": info.sha256,
    }


def _runs(options: dict[str, Any]) -> dict[str, Any]:
    """Compare the runs whose folders are given."""
    from ptycho_torch.reconstruct import agreement

    report = {}
    for kind, judge in (("training", agreement.curves), ("inference", agreement.objects)):
        if kind in options:
            first, second = map(Path, options[kind])
            report[kind] = judge(first, second)
    return report


def _number(value: float) -> float | None:
    """A JSON number, or null for infinity."""
    return value if value < float("inf") else None


def _format_number(value: float | None) -> str:
    return "not comparable" if value is None else f"{value:.1e}"
