"""The parity program: were the patches of training and inference the same numbers?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ptycho_torch import files, run_folder
from ptycho_torch.cli import exits, flags
from ptycho_torch.config_params import PyTorchExecutionConfig
from ptycho_torch.errors import InputError, PtychoError

_ABOUT = "Recompute stored training patches from the bundle and compare stage by stage."


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the parity program."""
    parser = flags.FlagParser("parity", _ABOUT)
    flags.add(
        parser, "model_path", required=True, metavar="DIR", help="Training output folder."
    )
    flags.add(parser, "data", required=True, metavar="FILE", help="Training scan.")
    flags.add_companion(parser)
    flags.add(parser, "output", required=True, metavar="FILE", help="Where the numbers go.")
    flags.add_tolerance(parser, 1e-6, "Largest relative L2 that counts as equal")
    flags.add(
        parser,
        "backend",
        choices=("torch", "tensorflow"),
        default="torch",
        metavar="torch|tensorflow",
        help="What recomputes; tensorflow needs the extra tf [default: torch]",
    )
    flags.add_debug(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parity program and return its exit code."""
    return exits.run(run, make_parser(), argv)


def run(args: argparse.Namespace) -> int:
    """Recompute, compare, write the numbers; fail above the tolerance.

    Raises:
        InputError: The tolerance or the data file is not usable.
        PtychoError: A stage differs.
    """
    flags.check_tolerance(args.tolerance)
    flags.refuse_empty(args, ("model_path", "data", "output"))
    output = Path(args.output)
    execution = PyTorchExecutionConfig(accelerator="cpu", backend=args.backend)
    companion = vars(args).get("companion_file")
    report = _compare(
        Path(args.model_path), Path(args.data), companion, args.tolerance, execution
    )
    files.write_json(output, report)
    if report["first_stage"] is not None:
        raise PtychoError(
            f"{output}: {report['first_stage']}",
            expected=f"relative L2 up to {args.tolerance:g} between training and inference",
            found=f"{report['relative_l2']}",
        )
    print(f"relative L2 {report['relative_l2']:.3g} over {report['groups']} groups: {output}")
    return 0


def _compare(
    model_path: Path,
    data: Path,
    companion: str | None,
    tolerance: float,
    execution: PyTorchExecutionConfig,
) -> dict[str, object]:
    """Run the inference pipeline for the groups that training stored."""
    from ptycho_torch import config_factory
    from ptycho_torch.bundle import read as bundle_read
    from ptycho_torch.data import scan_file
    from ptycho_torch.reconstruct import parity, predict
    from ptycho_torch.workflows import components

    folder = bundle_read.locate(model_path).parent
    model, info = components.load_inference_bundle_torch(model_path)
    model = components.with_backend(model, execution)
    stored = parity.read_probe(folder / run_folder.PARITY_PROBE)
    config = config_factory.read_again(info.configs.data, data, companion)
    scan = scan_file.read(data, config)
    if scan.sha256 != stored.dataset_sha256:
        raise InputError(
            str(data),
            expected=f"the training file, sha256 {stored.dataset_sha256[:16]}…",
            found=f"sha256 {scan.sha256[:16]}…",
        )
    parity.check_fit(stored, scan, info.geometry.C)
    patches, consistent = parity.recompute(
        model,
        scan,
        stored.groups,
        info.scaling.input_scale,
        predict.Engine(batch_size=len(stored.groups)),
    )
    positions = scan.positions[stored.groups]
    return {
        **parity.compare(stored, positions, patches, consistent, tolerance),
        "dataset_sha256": scan.sha256,
        "bundle_sha256": info.sha256,
    }
