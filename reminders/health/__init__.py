"""Whether every part is running: heartbeats of sweeps and workers, and which part has stopped."""
