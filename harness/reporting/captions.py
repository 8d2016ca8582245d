"""What to look for in a picture or a chart, by words in its name.

A field's own words are declared (``[report]`` of ``harness.toml``) and come first; those here
suit any training.
"""

from __future__ import annotations

from collections.abc import Mapping

_OF_PICTURES = {
    "diff": "What is left over here is what two pictures disagree about: noise is fine, edges "
    "are not.",
    "loss": "The curve should fall and then level out.",
}
_OF_CHARTS = {
    "loss": "Both curves should fall and level out together; validation that turns up while "
    "training falls means overfitting.",
    "grad": "Should settle: growth or spikes mean steps that are too large.",
    "lr": "The step size as it was really used.",
}


def of_picture(name: str, declared: Mapping[str, str]) -> str:
    """Return the caption of a picture; empty when its name says nothing we know."""
    return _first(declared, name) or _first(_OF_PICTURES, name)


def of_chart(name: str, declared: Mapping[str, str]) -> str:
    """Return the caption of a chart; empty when its name says nothing we know."""
    return _first(declared, name) or _first(_OF_CHARTS, name)


def _first(known: Mapping[str, str], name: str) -> str:
    """Return the caption of the first word that a name begins a word with."""
    spoken = " " + name.lower().replace("_", " ")
    return next((caption for word, caption in known.items() if f" {word}" in spoken), "")
