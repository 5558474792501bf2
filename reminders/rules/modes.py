"""The three modes of an installation: who may be called and texted at all. Pure.

A mode is chosen by a person and kept in the row of the SendingSwitch. Until somebody chooses one, it goes by
Robotalker's address: the sandbox's is sandbox, a real one is trial. So nobody goes live by accident.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

TRIAL_CALLS_A_DAY = 20  # calls and texts in any 24 hours, over all numbers


class SendingMode(models.TextChoices):
    SANDBOX = "sandbox", _("sandbox")
    TRIAL = "trial", _("trial")
    LIVE = "live", _("live")


_CHOSEN = frozenset(SendingMode.values)  # which `values` makes again each time, for each row of a page


def find_mode(chosen: str, *, is_real: bool) -> SendingMode:
    """The mode that applies. `chosen`: a SendingMode, or "" while nobody has chosen one.

    `is_real`: whether requests leave this machine (sandbox_hosts.py). What somebody chose holds at any
    address: sandbox with a real one means that nothing is sent, and trial can be rehearsed in the sandbox.
    """
    if chosen in _CHOSEN:
        return SendingMode(chosen)
    return SendingMode.TRIAL if is_real else SendingMode.SANDBOX
