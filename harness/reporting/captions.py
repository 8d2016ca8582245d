"""What to look for in a picture or a chart, by words in its name."""

from __future__ import annotations

# The first word that a name begins a word with decides: the special stand before the general.
_COVERAGE = (
    "How many patches cover each place: trust the object where it is even, not at the rim or "
    "across holes."
)
_OF_PICTURES = {
    "progress": "Left the first patches of the training, right its last, by the weights that "
    "were kept, each stretched to its own black and white. Equal patches on the left are "
    "normal; on the right they mean that the network ignores what is measured.",
    "grid": "Each patch should show structure of its own: flat or equal patches mean collapse. "
    "Without a colour bar each patch is stretched to its own black and white, so compare "
    "structure between grids, not brightness; the guards on variance and mean judge levels.",
    "levels": "One scale for all patches, the same in training and inference: compare levels "
    "here. Flat, black or red patches are a defect.",
    "comparison": "Found and truth on one scale, then their difference on its own: noise is "
    "fine there, edges, seams and large patches of one colour are not.",
    "diff": "What is left over here is what the two pictures disagree about: noise is fine, "
    "edges and seams are not.",
    "truth": "What was simulated: compare edges and the smallest features with the picture "
    "beside it.",
    "coverage": _COVERAGE,
    "overlap": _COVERAGE,
    "amplitude": "Edges should be sharp and the field even: no tiles, no seams between groups.",
    "phase": "Features should be continuous across patch borders, without stray wraps.",
    "loss": "The curve should fall and then level out.",
}
_OF_CHARTS = {
    "frc": "How well each fineness of detail agrees with the truth: detail is resolved as far "
    "as the curve stays above the half-bit line. A curve that dips and comes back has lost a "
    "band of frequencies.",
    "loss": "Both curves should fall and level out together; validation that turns up while "
    "training falls means overfitting.",
    "deviance": "Both curves should fall towards 1, where only photon noise is left; a gap "
    "that widens means overfitting.",
    "grad": "Should settle: growth or spikes mean steps that are too large.",
    "lr": "The step size as it was really used.",
    "amp mean": "Should settle near the object's mean; a drift to zero or to the bound of the "
    "head is a collapse.",
    "amp std": "Should rise from zero and settle: at zero the patches are flat.",
}


def of_picture(name: str) -> str:
    """Return the caption of a picture; empty when its name says nothing we know."""
    return _first(_OF_PICTURES, name)


def of_chart(name: str) -> str:
    """Return the caption of a chart; empty when its name says nothing we know."""
    return _first(_OF_CHARTS, name)


def _first(known: dict[str, str], name: str) -> str:
    spoken = " " + name.lower().replace("_", " ")
    return next((caption for word, caption in known.items() if f" {word}" in spoken), "")
