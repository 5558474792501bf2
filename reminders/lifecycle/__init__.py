"""How a row changes its state, and which rows are locked for it."""
