"""The numbers of a suite over its runs: series, lasting shifts, reruns that confirm them."""
