"""What other systems call the status of an appointment. Pure; knows no Django."""

import re
from functools import lru_cache

BOOKED, ARRIVED, NO_SHOW, CANCELLED = "booked", "arrived", "no_show", "cancelled"  # Appointment.Status

STATUSES = {
    BOOKED: "scheduled booked active confirmed unconfirmed pending new reserved open accepted",
    ARRIVED: "arrived completed complete checkedin checkedout fulfilled kept seen inprogress done",
    NO_SHOW: "noshow noshowed missed didnotattend didnotarrive didnotshow dna dnka failed failedtoattend fta",
    CANCELLED: "cancelled canceled cancel cancelledbypatient cancelledbypractice canceledbypatient "
    "canceledbypractice cancelledbyprovider canceledbyprovider cancelledbyoffice canceledbyoffice "
    "patientcancelled patientcanceled officecancelled officecanceled latecancel latecancelled latecanceled "
    "latecancellation enteredinerror cancelada cancelado annulé annulée storniert abgesagt",
}  # fmt: skip
STATUS_OF = {word: status for status, words in STATUSES.items() for word in words.split()}
# "Cancelled: flu" is cancelled, but "Cancelled, then reinstated" may be booked.
CANCELLED_WITH_REASON = re.compile(r"\W*(?:late[ -])?cancell?ed\b", re.IGNORECASE)
BOOKED_AGAIN = re.compile(r"re-?instat|re-?book|un-?cancel|restor|re-?activat|error", re.IGNORECASE)


def fold_status(value: str) -> str:
    """Return the status in lower case with letters and digits only; symbols stay if there is nothing else."""
    folded = value.casefold().strip()
    return re.sub(r"[^\w]|_", "", folded) or folded


@lru_cache(maxsize=256)  # most rows of a list have one of a few
def find_status(value: str) -> str:
    """Return the status that the words of a cell mean, "" if they mean none."""
    found = STATUS_OF.get(fold_status(value), "")
    if not found and CANCELLED_WITH_REASON.match(value) and not BOOKED_AGAIN.search(value):
        return CANCELLED
    return found
