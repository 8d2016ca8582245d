"""Weakenings of a project: goldens, policies, folders, signers, drills and tests."""

from __future__ import annotations

from proofs.weakenings.loosen import (
    SIGNER,
    SKIP,
    THREE,
    TWO,
    XFAIL,
    Weakening,
    add_quarantine,
    change_drill,
    change_golden,
    change_project,
    change_stage,
    choose_by_ini,
    delete_drill,
    deselect_tests,
    lend_goldens,
    move,
    move_declaration,
    move_goldens,
    move_resource_mean,
    shadow_golden,
    take_fewer,
    widen,
    write_tests,
)

_S = "suites.{s}.stages"
_Q = "suites.{s}.quarantine"

ALL: tuple[Weakening, ...] = (
    Weakening("goldens of a lender, wider", "goldens.{s}.stats:mean", lend_goldens),
    Weakening("golden widened", "goldens.{s}.stats:mean", change_golden(widen)),
    Weakening("golden moved", "goldens.{s}.stats:mean", change_golden(move)),
    Weakening("golden of fewer seeds", "goldens.{s}.stats:mean", change_golden(take_fewer)),
    Weakening("golden deleted", "goldens.{s}.stats:mean", change_golden(lambda _value: None)),
    Weakening("wider golden of another environment", "goldens.{s}.stats:mean", shadow_golden),
    Weakening(
        "mean of a resource moved", "goldens.{s}.@stages:make.duration_s", move_resource_mean
    ),
    Weakening(
        "policy dropped",
        "project.policies",
        lambda g: (
            g.top["policies"].pop("POLICY-1"),
            [s["guards"][0].pop("policies") for s in g.top["suites"].values()],
        ),
    ),
    Weakening("hubs in another folder", "project.hubs", change_project(hubs="evidence")),
    Weakening("work in another folder", "project.work", change_project(work=".other")),
    Weakening("goldens in another folder, wider", "goldens.{s}.stats:mean", move_goldens),
    Weakening("another signer", "gate.signers", change_project(gate={"signers": [SIGNER]})),
    Weakening(
        "waivers without signature",
        "gate.unsigned_waivers",
        change_project(gate={"signers": [], "unsigned_waivers": True}),
    ),
    Weakening("drill deleted", "drills.{s}-variance", delete_drill),
    Weakening(
        "drill expects another guard",
        "drills.{s}-variance.guard",
        lambda g: change_drill(g, "Guard: ceiling", "Guard: spread"),
    ),
    Weakening(
        "drill made easy",
        "drills.{s}-variance.patch",
        lambda g: change_drill(g, "+variance = 30.0", "+variance = 3e30"),
    ),
    Weakening("declaration moved and weakened", "declaration", move_declaration),
    Weakening(
        "selectors narrowed",
        f"{_S}.tests.selectors",
        change_stage(
            "tests", selectors=["checked/test_checked.py::test_a"], min_tests=1, min_collected=1
        ),
        only="checked",
    ),
    Weakening(
        "selectors with -k",
        f"{_S}.tests.selectors",
        change_stage(
            "tests",
            selectors=["checked/test_checked.py", "-k", "test_a or test_b"],
            min_tests=2,
            min_collected=2,
        ),
        only="checked",
    ),
    Weakening(
        "fewer must pass",
        f"{_S}.tests.min_tests",
        change_stage("tests", min_tests=1),
        only="checked",
    ),
    Weakening(
        "fewer must be there",
        f"{_S}.tests.min_collected",
        change_stage("tests", min_collected=1),
        only="checked",
    ),
    Weakening(
        "retries of tests",
        f"{_S}.tests.test_retries",
        change_stage("tests", test_retries=3),
        only="checked",
    ),
    Weakening(
        "tests without a bound",
        f"{_S}.tests.test_timeout_s",
        change_stage("tests", test_timeout_s=None),
        only="checked",
    ),
    Weakening(
        "test in quarantine",
        f"{_Q}.test:checked/test_checked.py::test_c",
        add_quarantine("test", "checked/test_checked.py::test_c"),
        only="checked",
    ),
    Weakening(
        "test deleted",
        "tests.{s}.checked.test_checked::test_c",
        lambda g: (write_tests(TWO)(g), g.stage("tests").update(min_tests=2, min_collected=2)),
        only="checked",
    ),
    Weakening(
        "test renamed",
        "tests.{s}.checked.test_checked::test_c",
        write_tests(THREE.replace("test_c", "test_d")),
        only="checked",
    ),
    Weakening(
        "test skipped",
        "tests.{s}.checked.test_checked::test_c",
        lambda g: (write_tests(SKIP)(g), g.stage("tests").update(min_tests=2)),
        only="checked",
    ),
    Weakening(
        "test expected to fail",
        "tests.{s}.checked.test_checked::test_c",
        lambda g: (write_tests(XFAIL)(g), g.stage("tests").update(min_tests=2)),
        only="checked",
    ),
    Weakening(
        "test deselected by a conftest.py",
        "tests.{s}.checked.test_checked::test_c",
        deselect_tests,
        only="checked",
    ),
    Weakening(
        "tests chosen by pytest.ini",
        "tests.{s}.checked.test_checked::test_c",
        choose_by_ini,
        only="checked",
    ),
)
