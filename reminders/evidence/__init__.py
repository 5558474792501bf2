"""Evidence: everything that is known about one call, to print or as a signed file."""
