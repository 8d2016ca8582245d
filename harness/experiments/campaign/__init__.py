"""Many runs of a suite, in a store of their own, carried out by any executor."""
