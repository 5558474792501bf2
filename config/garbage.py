"""How often Python's garbage collector runs in a process that answers pages."""

import gc


def collect_less() -> None:
    """Don't look again at what stays until the process ends, nor several times at the rows of one page."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
