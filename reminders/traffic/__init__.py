"""May anything leave, and how fast? The switch, the gate, the rate, and the addresses called back."""
