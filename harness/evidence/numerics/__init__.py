"""What a machine computes: a fixed probe run by the interpreter of the stages."""
