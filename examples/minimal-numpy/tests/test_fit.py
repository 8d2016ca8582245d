"""The fit, judged by a line without noise."""

import numpy as np
from line_fit import fit


def test_line_without_noise_is_found():
    """Points on a line give the line back."""
    x = np.array([0.0, 0.5, 2.0])

    assert np.allclose(fit.fit(x, 3.0 * x - 2.0), (3.0, -2.0))
