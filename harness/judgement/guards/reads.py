"""Which stages a guard reads: through the artifacts it names, by a stage's name, or its log.

What a guard holds its subject against is read as well, but a defect is looked for where the
subject was made: a value that another stage works out anew is the reference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from harness.config.project import GuardSpec, SuiteSpec

_OF_A_STAGE, _LOG = ("@stages", "@argv"), "@log"  # as in paths, which readers come with
_LISTS = ("numbers", "unlike")
# By kind, the options that name what the subject is held against.
_REFERENCES = {"equal": frozenset({"right", "right_at", "right_aggregate"})}


def list_makers(suite: SuiteSpec) -> dict[str, str]:
    """Return the stage that promises each artifact of a suite."""
    return {artifact.id: stage.id for stage in suite.stages for artifact in stage.artifacts}


def list_words(spec: GuardSpec) -> list[str]:
    """Return the texts among a guard's options that may name an artifact."""
    words = [value for value in spec.options.values() if isinstance(value, str)]
    for name in _LISTS:  # others hold what may by chance be the name of an artifact
        words += [str(word) for word in spec.options.get(name, ())]
    return words


def subject_stages(
    spec: GuardSpec, makers: Mapping[str, str], stages: Collection[str]
) -> frozenset[str]:
    """Return the stages that made what a guard judges, without those of its reference.

    Args:
        spec: The guard.
        makers: Stage of each artifact.
        stages: Ids of all stages.
    """
    references = _REFERENCES.get(spec.kind, frozenset())
    judged = {name: value for name, value in spec.options.items() if name not in references}
    return stages_read(replace(spec, options=judged), makers, stages)


def stages_read(
    spec: GuardSpec, makers: Mapping[str, str], stages: Collection[str]
) -> frozenset[str]:
    """Return the stages that a guard reads itself, without those that they need.

    Args:
        spec: The guard.
        makers: Stage of each artifact.
        stages: Ids of all stages.

    Returns:
        Empty where the guard does not say what it looks at.
    """
    words = list_words(spec)
    stages_ = {
        word for name, word in spec.options.items() if name == "stage" and word in stages
    }
    for word in words:
        head, _, path = word.partition(":")
        if head in _OF_A_STAGE:
            stages_ |= {path.partition(".")[0]} & set(stages)
        elif head == _LOG:
            stages_ |= {path.partition(":")[0]} & set(stages)
        elif head in makers:
            stages_.add(makers[head])
    return frozenset(stages_)
