"""Whether and how fast requests may go to Robotalker (switch, gate, rate), and callback addresses."""
