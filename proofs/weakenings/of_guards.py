"""Weakenings of guards: each option of each kind, in each direction that loosens it."""

from __future__ import annotations

from proofs.weakenings.loosen import (
    Weakening,
    add_default,
    change_guard,
    change_kind,
    drop_guard,
    inherit_without,
    rename_wider,
    warn_default,
)

_G = "suites.{s}.guards"

ALL: tuple[Weakening, ...] = (
    Weakening("ceiling 5 → 1e9", f"{_G}.ceiling.max", change_guard("ceiling", max=1e9)),
    Weakening("ceiling taken away", f"{_G}.ceiling.max", change_guard("ceiling", max=None)),
    Weakening("floor lowered", f"{_G}.ceiling.min", change_guard("ceiling", min=-1e9)),
    Weakening("floor taken away", f"{_G}.ceiling.min", change_guard("ceiling", min=None)),
    Weakening(
        "another metric",
        f"{_G}.ceiling.metric",
        change_guard("ceiling", metric="stats:loss", min=0.1),
    ),
    Weakening(
        "metric of another artifact",
        f"{_G}.ceiling.metric",
        change_guard("ceiling", metric="report:total"),
    ),
    Weakening(
        "max → min of the rows",
        f"{_G}.spread.aggregate",
        change_guard("spread", aggregate="min"),
    ),
    Weakening(
        "sign left out", f"{_G}.ceiling.absolute", change_guard("ceiling", absolute=True)
    ),
    Weakening("another kind", f"{_G}.ceiling.kind", change_kind),
    Weakening(
        "severity warn", f"{_G}.ceiling.severity", change_guard("ceiling", severity="warn")
    ),
    Weakening(
        "policies dropped from a guard",
        f"{_G}.ceiling.policies",
        change_guard("ceiling", policies=None),
    ),
    Weakening("guard deleted", f"{_G}.ceiling", drop_guard),
    Weakening("guard renamed and widened", f"{_G}.ceiling", rename_wider),
    Weakening("guard left out by inheritance", f"{_G}.ceiling", inherit_without),
    Weakening(
        "missing golden only noted",
        f"{_G}.usual.missing",
        change_guard("usual", missing="note"),
    ),
    Weakening("golden of one side", f"{_G}.usual.sides", change_guard("usual", sides="low")),
    Weakening(
        "golden of more coverage",
        f"{_G}.usual.coverage",
        change_guard("usual", coverage=0.9999),
    ),
    Weakening(
        "golden of more confidence",
        f"{_G}.usual.confidence",
        change_guard("usual", confidence=0.9999),
    ),
    Weakening(
        "golden on another scale", f"{_G}.usual.scale", change_guard("usual", scale="log10")
    ),
    Weakening("ratio widened", f"{_G}.share.max", change_guard("share", max=1e9)),
    Weakening("ratio without floor", f"{_G}.share.min", change_guard("share", min=None)),
    Weakening(
        "denominator is the numerator",
        f"{_G}.share.denominator",
        change_guard("share", denominator="stats:mean"),
    ),
    Weakening(
        "relative tolerance raised", f"{_G}.twins.relative", change_guard("twins", relative=1e9)
    ),
    Weakening(
        "absolute tolerance given", f"{_G}.twins.absolute", change_guard("twins", absolute=1e9)
    ),
    Weakening(
        "equal to itself", f"{_G}.twins.right", change_guard("twins", right="stats:mean")
    ),
    Weakening(
        "smaller file allowed", f"{_G}.there.min_size", change_guard("there", min_size=None)
    ),
    Weakening(
        "another artifact looked at",
        f"{_G}.there.artifact",
        change_guard("there", artifact="stats"),
    ),
    Weakening(
        "fewer grey levels", f"{_G}.shows.min_levels", change_guard("shows", min_levels=1)
    ),
    Weakening(
        "levels of no share", f"{_G}.shows.level_share", change_guard("shows", level_share=None)
    ),
    Weakening("flatter picture", f"{_G}.shows.max_flat", change_guard("shows", max_flat=1.0)),
    Weakening("smaller picture", f"{_G}.shows.min_size", change_guard("shows", min_size=1)),
    Weakening("flatter tiles", f"{_G}.shows.min_spread", change_guard("shows", min_spread=0.0)),
    Weakening(
        "tiles not looked at",
        f"{_G}.shows.tile",
        change_guard("shows", tile=None, separator=None, tiles=None, min_spread=None),
    ),
    Weakening("fewer tiles", f"{_G}.shows.tiles", change_guard("shows", tiles=1)),
    Weakening(
        "another separator",
        f"{_G}.shows.separator",
        change_guard("shows", separator=8, tiles=4),
    ),
    Weakening("no line that must be there", f"{_G}.said.must", change_guard("said", must=None)),
    Weakening(
        "no line that must not", f"{_G}.said.must_not", change_guard("said", must_not=None)
    ),
    Weakening(
        "number of the log not looked at",
        f"{_G}.said.value",
        change_guard("said", value=None, differs=None, relative=None),
    ),
    Weakening(
        "number of the log may be 1", f"{_G}.said.differs", change_guard("said", differs=None)
    ),
    Weakening(
        "log of another stage",
        f"{_G}.said.stage",
        change_guard(
            "said", stage="report", must=["reported"], value=None, differs=None, relative=None
        ),
    ),
    Weakening(
        "exact number of records → least",
        f"{_G}.records.max",
        change_guard("records", equals=None, min=3),
    ),
    Weakening(
        "doubles not looked for",
        f"{_G}.records.unique_by",
        change_guard("records", unique_by=None),
    ),
    Weakening(
        "doubles told apart by more keys",
        f"{_G}.records.unique_by",
        change_guard("records", unique_by=["phase", "batch_idx", "value"]),
    ),
    Weakening(
        "records may be the same",
        f"{_G}.records.distinct",
        change_guard("records", distinct=None),
    ),
    Weakening(
        "other records counted",
        f"{_G}.records.records",
        change_guard("records", records="rows:[epoch=0]"),
    ),
    Weakening("slower allowed", f"{_G}.quick.max", change_guard("quick", max=1e6)),
    Weakening(
        "memory in the place of time",
        f"{_G}.quick.measure",
        change_guard("quick", measure="memory", max=1e6),
    ),
    Weakening("default rules let everything pass", f"{_G}.lenient", add_default),
    Weakening("default rules only warn", f"{_G}.lenient", warn_default),
)
