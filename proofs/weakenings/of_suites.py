"""Weakenings of a suite: its stages, artifacts, inputs, data, quarantines and matrices."""

from __future__ import annotations

from proofs.weakenings.loosen import (
    Weakening,
    add_quarantine,
    change_artifact,
    change_quarantine,
    change_stage,
    change_stage_kind,
    change_suite,
    delete_suite,
    drop_artifact,
    drop_stage,
    excuse_longer,
    give_artifact,
    put_stage_before,
)

_S = "suites.{s}.stages"
_A = "suites.{s}.artifacts"
_Q = "suites.{s}.quarantine"

ALL: tuple[Weakening, ...] = (
    Weakening(
        "argv replaced",
        f"{_S}.report.argv",
        change_stage(
            "report",
            argv=[
                "{python}",
                "-I",
                "-c",
                "import sys; open(sys.argv[1] + '/report.json', 'w').write('{\"total\": 3.5}')",
                "{work}",
            ],
        ),
    ),
    Weakening(
        "argv with a word more",
        f"{_S}.make.argv",
        lambda g: g.stage("make")["argv"].append("--lenient"),
    ),
    Weakening("stage kind", f"{_S}.report.kind", change_stage_kind),
    Weakening("stage deleted", f"{_S}.report", drop_stage),
    Weakening("a stage before the others", f"{_S}.prepare", put_stage_before),
    Weakening("longer timeout", f"{_S}.make.timeout_s", change_stage("make", timeout_s=3000)),
    Weakening("retries of a stage", f"{_S}.make.retries", change_stage("make", retries=5)),
    Weakening("waits for nothing", f"{_S}.report.needs", change_stage("report", needs=[])),
    Weakening(
        "artifact from another path",
        f"{_A}.picture.path",
        change_artifact("picture", path="weights.bin"),
    ),
    Weakening(
        "artifact outside the hub",
        f"{_A}.rows.external",
        change_artifact("rows", external=True),
    ),
    Weakening(
        "artifact may be missing",
        f"{_A}.picture.optional",
        change_artifact("picture", optional=True),
    ),
    Weakening("artifact of another stage", f"{_A}.stats.stage", give_artifact),
    Weakening("artifact not promised", f"{_A}.report", drop_artifact),
    Weakening("inputs narrowed", "suites.{s}.inputs", change_suite(inputs=["report.py"])),
    Weakening(
        "another parameter", "suites.{s}.parameters", change_suite(parameters={"scale": "9.5"})
    ),
    Weakening(
        "environment with PYTEST_ADDOPTS",
        "suites.{s}.environment",
        change_suite(environment=["LANG", "PYTEST_ADDOPTS"]),
    ),
    Weakening(
        "environment without a variable",
        "suites.{s}.environment",
        change_suite(environment=["LC_ALL"]),
    ),
    Weakening(
        "older evidence allowed", "suites.{s}.max_age_days", change_suite(max_age_days=3650)
    ),
    Weakening(
        "evidence of any age", "suites.{s}.max_age_days", change_suite(max_age_days=None)
    ),
    Weakening("module not required", "suites.{s}.requires", change_suite(requires=None)),
    Weakening("guard in quarantine", f"{_Q}.guard:ceiling", add_quarantine("guard", "ceiling")),
    Weakening(
        "default guard in quarantine",
        f"{_Q}.guard:default:picture",
        add_quarantine("guard", "default:picture"),
    ),
    Weakening("stage in quarantine", f"{_Q}.stage:make", add_quarantine("stage", "make")),
    Weakening("quarantine prolonged", f"{_Q}.guard:shaky.expires", excuse_longer),
    Weakening(
        "quarantine of more clean runs",
        f"{_Q}.guard:shaky.clean_runs",
        change_quarantine(clean_runs=100),
    ),
    Weakening(
        "quarantine begun anew",
        f"{_Q}.guard:shaky.reason",
        change_quarantine(reason="another one"),
    ),
    Weakening(
        "quarantine of another owner", f"{_Q}.guard:shaky.owner", change_quarantine(owner="Eve")
    ),
    Weakening(
        "dataset of another seed",
        "suites.{s}.datasets.train.generate",
        lambda g: g.top["datasets"]["train"]["generate"].__setitem__(-1, "8"),
    ),
    Weakening(
        "dataset's inputs narrowed",
        "suites.{s}.datasets.train.inputs",
        lambda g: g.top["datasets"]["train"].update(inputs=["report.py"]),
    ),
    Weakening(
        "dataset in another file",
        "suites.{s}.datasets.train.file",
        lambda g: g.top["datasets"]["train"].update(file="train.dat"),
    ),
    Weakening("dataset dropped", "suites.{s}.datasets.train", change_suite(datasets=[])),
    Weakening("suite deleted", "suites.{s}", delete_suite, runs="other"),
    Weakening(
        "cell of the matrix dropped",
        "suites.{s}.matrix.scales",
        change_suite(matrix={"scales": {"scale": ["2.5"]}}),
    ),
    Weakening("matrix dropped", "suites.{s}.matrix.scales", change_suite(matrix=None)),
)
