"""Why a run is not green, as all renderers tell it: causes first, what follows folded."""

from __future__ import annotations

from harness.frozen import dataclass
from harness.judgement import causes
from harness.records import CauseRecord, HubRecord
from harness.reporting import text

_NAMED = 6
_LONGEST = 1_000  # of a sentence: a stage may give ten megabytes as its reason


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause in words; ``also`` says how much follows, ``remedy`` what to do."""

    cause: CauseRecord
    sentence: str
    also: str
    remedy: str


def list_reasons(record: HubRecord) -> tuple[Reason, ...]:
    """Return the causes of a run in words, the first one first; a green run has none."""
    return tuple(
        Reason(cause, _cut(cause.sentence), describe_also(cause.also), cause.remedy)
        for cause in causes.causes_of(record)
    )


def describe_also(names: tuple[str, ...], most: int = _NAMED) -> str:
    """Fold what follows from a cause into one line; empty where nothing does."""
    return (
        f"and {len(names)} that follow from it: {describe_names(names, most)}" if names else ""
    )


def list_unjudged(record: HubRecord) -> tuple[tuple[str, str], ...]:
    """Return the guards that were not judged, one row for each reason, without remedies.

    Returns:
        Pairs of the guards' names, folded, and the reason.
    """
    return tuple(
        (f"{len(ids)} guard{'' if len(ids) == 1 else 's'} ({describe_names(ids, 3)})", reason)
        for reason, ids in causes.unjudged_of(record)
    )


def followers(record: HubRecord) -> dict[str, str]:
    """Return the sentence of the cause by each stage (``stage <id>``) and guard it explains."""
    return {
        name: _cut(cause.sentence)
        for cause in causes.causes_of(record)
        for name in (*cause.also, *cause.unjudged)
    }


def write_verdict(record: HubRecord) -> str:
    """Write why a run is not green in one line, however many things are wrong."""
    sentences = [
        text.sentences(reason.sentence, f"{reason.also}" if reason.also else "")
        for reason in list_reasons(record)
    ]
    return " ".join(sentences) or _cut(record.reason)


def describe_names(names: tuple[str, ...], most: int = _NAMED) -> str:
    """Write the first names, and how many more there are."""
    more = f", … {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _cut(sentence: str) -> str:
    """Keep a sentence one; the whole text is in the record and in the log."""
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}… cut here"
