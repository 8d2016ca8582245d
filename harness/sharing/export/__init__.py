"""A hub in, the same evidence in the forms that other tools read out."""
