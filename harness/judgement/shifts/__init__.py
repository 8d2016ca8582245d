"""Numbers of one metric in ledger order in, lasting shifts of their level out; no files."""
