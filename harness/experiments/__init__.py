"""Many runs of a suite: campaigns, matrices, calibration, drills, bisection."""
