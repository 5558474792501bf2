"""How long each kind of data is kept, and deleting what is older (product rule 64)."""
