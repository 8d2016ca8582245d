"""Evidence for other tools and places: exported forms, stores elsewhere."""
