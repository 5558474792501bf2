"""Is everything alive? Heartbeats of sweeps and workers, and what stands still."""
