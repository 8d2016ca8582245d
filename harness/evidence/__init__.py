"""What is kept of a run, sealed and proven: the hub of files and the ledger of seals."""
