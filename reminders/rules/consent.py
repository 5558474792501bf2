"""Which consent basis is enough for a campaign that requires one; deciding/coverage.py asks.

In the US a synthesised voice needs the consent of whoever is called; having given the number for care is one,
but a practice may want more than that for some of its reminders, and many in the EU must. So a campaign says
what has to be on record for the number, calls and texts alike. A number with "no consent known" gets nothing
from any campaign.
"""

# Of each Campaign.Consent that requires something: the bases (PhoneNumber.ConsentBasis) that are enough.
ENOUGH: dict[str, tuple[str, ...]] = {
    "agreed": ("spoken", "written"),
    "written": ("written",),
}
