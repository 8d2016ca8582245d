"""Which commands of the pages are typed where, and for those that are not, why.

Every command is in the small project, in the long run with the real programs, or in the list of
those that something else carries out, with the reason and with what does it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from proofs.docs import mail, scenes

Setup = Callable[[Path], Path]
_HOW_TO = "docs/how-to"

# Typed by default, in the small project.
SMALL: Mapping[str, Setup] = {
    "docs/cli.md": scenes.stand_in,
    "docs/tutorial.md": scenes.published,
    f"{_HOW_TO}/add-a-guard.md": scenes.declared_by(f"{_HOW_TO}/add-a-guard.md"),
    f"{_HOW_TO}/add-a-suite.md": scenes.declared_by(f"{_HOW_TO}/add-a-suite.md"),
    f"{_HOW_TO}/adopt.md": scenes.beside,
    f"{_HOW_TO}/cluster.md": scenes.declared_by(f"{_HOW_TO}/cluster.md"),
    f"{_HOW_TO}/publish-evidence.md": scenes.all_run,
    f"{_HOW_TO}/gate.md": scenes.weakened,
    f"{_HOW_TO}/model-by-mail.md": mail.mailed,
    f"{_HOW_TO}/read-a-red-hub.md": scenes.with_red,
    f"{_HOW_TO}/share-evidence.md": scenes.with_runs,
    f"{_HOW_TO}/update-a-golden.md": scenes.stand_in,
    f"{_HOW_TO}/verify-in-ci.md": scenes.all_run,
    f"{_HOW_TO}/watch-the-numbers.md": scenes.all_run,
}
# Of those, pages whose every output is compared, not the exit codes alone.
ANSWERED = (f"{_HOW_TO}/model-by-mail.md",)
# Typed by `make docs-commands`, with the real programs, and compared with what the page shows.
REAL: Mapping[str, Setup] = {
    "README.md": scenes.clone,
    "docs/tutorial.md": scenes.before_the_clone,
    f"{_HOW_TO}/many-devices.md": scenes.scan,
    f"{_HOW_TO}/own-data.md": scenes.scan,
}
# Pictures of a page: which of its runs, in their order, and which file of the hub.
_GRID = "analysis/inference/torch_patch_grid.png"
PICTURES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "docs/tutorial.md": {
        "docs/pictures/patch_grid_green.png": (0, _GRID),
        "docs/pictures/patch_grid_red.png": (1, _GRID),
    },
}
# Pages of help, compared word by word with what the programs print.
HELP = ("docs/cli.md", "docs/model-cli.md")
# What somebody has done before typing a command.
BEFORE: Mapping[str, Callable[[Path], None]] = {"make setup": scenes.set_up}
# Words added so that a training takes seconds; the command is typed as it is but for them.
_SHORT = " --max_epochs 2 --n_images 8 --config short.json"
SHORTENED: Mapping[str, str] = {
    "python -m ptycho_torch.train --train_data_file scan.cxi --output_dir out"
    " --log-patch-stats --accelerator cpu": f"{_SHORT} --batch_size 4",
    "python -m ptycho_torch.train --train_data_file scan.npz --output_dir run --accelerator cpu"
    " --strategy ddp --devices 2": f"{_SHORT} --batch_size 2",
    "python -m ptycho_torch.train --train_data_file scan.npz --output_dir run"
    " --checkpoint-every-n-steps 500 --resume auto": f"{_SHORT} --batch_size 4",
}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Why a command is not typed, and what carries it out instead.

    Attributes:
        reason: What it needs that a test does not have.
        by: A test as ``file::name``, or a file that contains the command.
    """

    reason: str
    by: str


_EXAMPLES = "tests/roads/test_examples.py"
_THERE = "--scheduler tcp://10.0.0.1:42731"
_SCHEDULER = Elsewhere(
    "needs a cluster that runs",
    "tests/harness/experiments/execute/test_cluster.py::test_lost_worker_and_scheduler_cost_no_hub",
)
_BUCKET = "needs a bucket"
_MOVED = "tests/harness/sharing/remote/test_moving.py::test_pulled_hubs_"
_TENSORFLOW = "needs the extra tf, in an environment of its own (make test-tf)"
_RUNS = "tests/ptycho_torch/backends/test_tensorflow_runs.py"
_JOINT = "tests/ptycho_torch/training/test_joint.py"
_INSTALL = Elsewhere("needs a package index and changes the environment", "Makefile")
# Whole pages with a runner of their own.
PAGES: Mapping[str, Elsewhere] = {
    "examples/minimal-numpy/README.md": Elsewhere(
        "typed in a fresh copy of the folder", f"{_EXAMPLES}::test_plain_numpy_code_is_adopted"
    ),
    "examples/minimal-torch/README.md": Elsewhere(
        "typed in a fresh copy of the folder", f"{_EXAMPLES}::test_small_network_is_adopted"
    ),
}
COMMANDS: Mapping[str, Elsewhere] = {
    "harness gate --base main --hubs named.txt": Elsewhere(
        "needs a branch that weakens its gate; docs/how-to/gate.md has one",
        "tests/harness/cli/test_gate_command.py::test_refused_then_waived",
    ),
    "make test": Elsewhere("would run the tests within a test", ".ci/run"),
    'eval "$(_HARNESS_COMPLETE=zsh_source harness)"': Elsewhere(
        "needs zsh", "tests/harness/cli/test_main.py::test_shell_completion_is_offered"
    ),
    "_HARNESS_COMPLETE=fish_source harness | source": Elsewhere(
        "needs fish", "tests/harness/cli/test_main.py::test_shell_completion_is_offered"
    ),
    "pip install -e path/to/ptycho-harness": _INSTALL,
    f"harness run quick --matrix seeds {_THERE}": _SCHEDULER,
    f"harness golden calibrate quick --seeds 30 {_THERE}": _SCHEDULER,
    f"harness drill {_THERE}": _SCHEDULER,
    "harness export --hub latest --format mlflow --tracking-uri sqlite:///mlflow.db": Elsewhere(
        "needs the extra mlflow",
        "tests/harness/sharing/export/test_tracking.py::test_the_command_tracks_a_hub",
    ),
    "pip install 'ptycho-harness[remote]'": _INSTALL,
    "harness store push s3://BUCKET/hubs": Elsewhere(_BUCKET, f"{_MOVED}are_the_pushed_ones"),
    "harness store push latest quick:latest~1 file:///mnt/archive/hubs": Elsewhere(
        "needs another disk", f"{_MOVED}are_the_pushed_ones"
    ),
    "harness store pull s3://BUCKET/hubs --suite quick": Elsewhere(
        _BUCKET, f"{_MOVED}are_the_pushed_ones"
    ),
    "pip install 'ptycho-torch[tf]'": _INSTALL,
    "python -m ptycho_torch.train --backend tensorflow --train_data_file scan.npz"
    " --output_dir run": Elsewhere(
        _TENSORFLOW, f"{_RUNS}::test_double_precision_curves_coincide"
    ),
    "python -m ptycho_torch.inference --backend tensorflow --model_path run"
    " --test_data scan.npz --output_dir object": Elsewhere(
        _TENSORFLOW, f"{_RUNS}::test_inference_leaves_the_same_files"
    ),
    "python -m ptycho_torch.compare_backends --model_path run --data scan.npz"
    " --output stages.json": Elsewhere(
        _TENSORFLOW,
        "tests/ptycho_torch/backends/test_compare_backends.py"
        "::test_every_stage_is_within_the_tolerance",
    ),
    "pytest tests/numbers --force-regen": Elsewhere(
        "would write the reviewed files anew; without the flag they are compared",
        "tests/numbers/test_runs.py::test_scales_keep_their_numbers",
    ),
    "python -m ptycho_torch.train --train_data_file scan.npz --output_dir run --accelerator gpu"
    " --devices 4 --batch_size 8": Elsewhere(
        "needs four GPUs; two processes of a CPU take the same road",
        f"{_JOINT}::test_two_leave_the_files_of_one",
    ),
    "python -m ptycho_torch.train --train_data_file scan.npz --output_dir run --devices 4"
    " --num_nodes 2": Elsewhere(
        "needs two machines",
        "tests/ptycho_torch/cli/test_launch.py::test_the_second_machine_counts_on",
    ),
}
