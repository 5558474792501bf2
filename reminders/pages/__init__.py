"""What the staff's pages show: reading and wording, no changes."""
