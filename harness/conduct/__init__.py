"""The steps of a run, each testable alone; ``harness.workflow`` lists them in order."""
