"""The training, judged by what any training must do."""

from tiny_net import train


def test_loss_falls():
    """Fifty steps make the loss smaller."""
    losses = train.train(seed=3, steps=50)

    assert losses[-1] < losses[0]


def test_seed_decides():
    """The same seed gives the same history."""
    assert train.train(seed=3, steps=5) == train.train(seed=3, steps=5)
