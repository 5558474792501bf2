"""Contacts, their phone numbers, and the consent ledger of each number."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.database.quick_rows import QuickRows
from contacts.models.practice import WHOLE_E164, validate_time_zone


class Channel(models.TextChoices):
    VOICE = "voice", _("call")
    SMS = "sms", _("text message")


class Preference(models.TextChoices):
    """How a patient wants to be reminded. The "only" and "never" ones forbid the rest (product rule 41)."""

    VOICE = "voice", _("call")
    SMS = "sms", _("text message")
    VOICE_ONLY = "voice_only", _("call only, never a text message")
    SMS_ONLY = "sms_only", _("text message only, never a call")
    NEVER = "never", _("never contact by machine")


# What each preference forbids; two together may forbid everything.
FORBIDDEN_CHANNELS: dict[str, frozenset[Channel]] = {
    Preference.VOICE_ONLY: frozenset([Channel.SMS]),
    Preference.SMS_ONLY: frozenset([Channel.VOICE]),
    Preference.NEVER: frozenset(Channel),
}
NOTES_LENGTH = 2000  # characters
ERASED = "erased-"  # in place of a number that was erased, with its id behind
FORBIDDING = (Preference.VOICE_ONLY, Preference.SMS_ONLY, Preference.NEVER)


class OtherNumberUse(models.TextChoices):
    """When reminders go to a contact's other number; the rule is in reminders/deciding/other_numbers.py."""

    NEVER = "never", _("never")
    UNREACHABLE = "unreachable", _("when the first number can't be reached")


class NameKey(models.Func):
    """By what two names are alike, in SQL: contacts_name_key(first name, last name), of a migration.

    Lower case, without accents, apostrophes, titles and suffixes, the words in the order of the alphabet;
    "" where no word is left.
    """

    function = "contacts_name_key"
    arity = 2
    output_field = models.TextField()


class UnusableReason(models.TextChoices):
    """Why a number can't be used. Pages and the admin show the sentence."""

    INVALID_NUMBER = "invalid_number", _("The number doesn't exist.")
    REJECTED = "rejected", _("Robotalker did not accept the number.")
    OTHER = "other", _("Robotalker gave another reason.")
    FOUND_WRONG = "found_wrong", _("Whoever answered there is not the patient.")


class PhoneNumber(QuickRows):
    """One E.164 number. Opt-outs and usability belong to the number, not to the contacts who share it."""

    class ConsentBasis(models.TextChoices):
        GIVEN_FOR_CARE = "given_for_care", _("given to the practice for care")
        SPOKEN = "spoken", _("agreed in person or by phone")
        WRITTEN = "written", _("written consent")
        NONE = "none", _("no consent known")

    e164 = models.CharField(max_length=16, unique=True)
    voice_opted_out_at = models.DateTimeField(null=True, blank=True, editable=False)
    sms_opted_out_at = models.DateTimeField(null=True, blank=True, editable=False)
    unusable_since = models.DateTimeField(null=True, blank=True, editable=False)
    unusable_reason = models.CharField(max_length=20, choices=UnusableReason, blank=True, editable=False)
    unusable_detail = models.CharField(
        max_length=200, blank=True, editable=False, help_text=_("Robotalker's own message about it.")
    )
    consent_basis = models.CharField(max_length=20, choices=ConsentBasis, default=ConsentBasis.GIVEN_FOR_CARE)
    verified_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When a member of staff proved that it is theirs, by a code that a call spoke."),
    )
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="verified_numbers",
    )
    time_zones = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text=_("Time zones the number could be in, by its prefix. Empty if unknown."),
    )
    erased_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the number itself was erased; its calls and its ledger stay."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["e164"]
        permissions = [("dial_phonenumber", "Can see numbers in full, to dial them")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(e164__regex=WHOLE_E164, erased_at__isnull=True)
                | models.Q(e164__startswith=ERASED, erased_at__isnull=False),
                name="phone_number_is_e164",
            ),
        ]
        indexes = [
            # reminders/traffic/request_guard.py: the few that a trial may call
            models.Index(
                fields=["id"], condition=models.Q(verified_at__isnull=False), name="phone_number_verified"
            ),
            # reminders/api/opt_outs.py: OptOuts
            models.Index(
                fields=["id"],
                condition=models.Q(voice_opted_out_at__isnull=False)
                | models.Q(sms_opted_out_at__isnull=False),
                name="number_opted_out",
            ),
        ]

    def __str__(self) -> str:
        from contacts.numbers import mask

        return mask(self.e164)

    @property
    def why_unusable(self) -> str:
        """Why it can't be used, with Robotalker's own message in quotes; "" if no reason is known."""
        sentence = dict(UnusableReason.choices).get(self.unusable_reason, "")
        words = self.unusable_detail
        quoted = gettext("Robotalker: “%(words)s”") % {"words": words} if words else ""
        return " ".join(filter(None, [str(sentence), quoted]))

    @property
    def kind_fault(self) -> str:
        """Why a number of this kind is never dialled; "" if it may be."""
        from contacts.numbers import find_kind_fault

        return find_kind_fault(self.e164)

    def opted_out_at(self, channel: str) -> datetime | None:
        """When the number opted out of `channel` (aware UTC), or None."""
        return self.sms_opted_out_at if channel == Channel.SMS else self.voice_opted_out_at


class ConsentEntry(models.Model):
    """One entry of the append-only ledger: a number's opt-outs and consent basis are what it comes to.

    contacts/consent_fold.py folds it. Triggers of the database refuse to change or delete an entry.
    """

    class What(models.TextChoices):
        OPT_OUT = "opt_out", _("opted out")
        OPT_IN = "opt_in", _("opted in again")
        CONSENT = "consent", _("consent recorded")

    class Scope(models.TextChoices):
        VOICE = "voice", _("calls")
        SMS = "sms", _("text messages")
        ALL = "all", _("calls and text messages")

    class Source(models.TextChoices):
        KEY = "key", _("pressed 9 in a call")
        SMS_REPLY = "sms_reply", _("replied to a text message")
        ROBOTALKER = "robotalker", _("reported by Robotalker")
        STAFF = "staff", _("told staff")
        DESK = "desk", _("told the front desk")
        PHONE = "phone", _("told us by phone")
        LETTER = "letter", _("told us by letter")
        EMAIL = "email", _("told us by email")
        MESSAGE = "message", _("told us by text message")
        IMPORT = "import", _("imported")
        API = "api", _("reported by another system")
        KEPT = "kept", _("kept when a person was erased")
        BEFORE = "before", _("on record before this ledger")

    number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="consent_entries")
    what = models.CharField(max_length=10, choices=What)
    scope = models.CharField(max_length=5, choices=Scope)
    source = models.CharField(max_length=12, choices=Source)
    basis = models.CharField(
        max_length=20,
        choices=PhoneNumber.ConsentBasis,
        blank=True,
        default="",
        db_default="",
        help_text=_("The consent basis that was recorded; empty for an opt-out or opt-in."),
    )
    evidence = models.CharField(
        max_length=300, blank=True, help_text=_("How it is known, such as a call or a note.")
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    at = models.DateTimeField()
    # later than `at` where a “no” was reported late; NULL: before this was kept
    recorded_at = models.DateTimeField(null=True, db_default=Now(), editable=False)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = _("consent entries")

    def __str__(self) -> str:
        of_what = self.get_basis_display() if self.basis else self.get_scope_display()
        return f"{self.get_what_display()} ({of_what})"


class Contact(QuickRows):
    """A patient of the practice."""

    first_name = models.CharField(max_length=120)
    last_name = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=8, default="en", help_text=_("ISO 639-1: en, es, fr…"))
    language_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the language last changed: a campaign new to it sends nothing due before."),
    )
    phone = models.ForeignKey(
        PhoneNumber, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts"
    )
    other_phone = models.ForeignKey(
        PhoneNumber, on_delete=models.PROTECT, null=True, blank=True, related_name="other_contacts"
    )
    other_phone_use = models.CharField(
        _("use the other number"),
        max_length=11,
        choices=OtherNumberUse,
        default=OtherNumberUse.NEVER,
        db_default=OtherNumberUse.NEVER,
    )
    date_of_birth = models.DateField(
        _("date of birth"),
        null=True,
        blank=True,
        help_text=_("Tells people of one name apart. Never said or written to anybody."),
    )
    notes = models.TextField(
        _("notes"),
        blank=True,
        default="",
        db_default="",
        max_length=NOTES_LENGTH,
        help_text=_("For staff only; never sent anywhere."),
    )
    preferred_channel = models.CharField(
        _("reminded by"),
        max_length=10,
        choices=Preference,
        default=Preference.VOICE,
        help_text=_(
            "“Call” and “text message” count for reminders that go as the patient prefers. "
            "“Only” and “never” count for all."
        ),
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        validators=[validate_time_zone],
        help_text=_("The patient's own time zone, if known. Decides when they can be called."),
    )
    is_demo = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text=_("Made up, for the demo clinic: never called for real."),
    )
    source = models.CharField(max_length=60, blank=True, help_text=_("The system the contact came from."))
    external_id = models.CharField(
        max_length=120, blank=True, help_text=_("The contact's id in that system.")
    )
    file_values = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        editable=False,
        help_text=_("Per source: the last value of each field that a file of it gave."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    name_key = models.GeneratedField(
        expression=NameKey("first_name", "last_name"), output_field=models.TextField(), db_persist=True
    )
    erased_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When what is known of the person was erased.")
    )
    # Names, id and numbers as find_contacts looks for them. A trigger of the database fills it, whoever
    # writes the row; what Python writes here is overwritten (contacts/migrations/0016_search.py).
    search_text = models.TextField(blank=True, default="", db_default="", db_collation="C", editable=False)

    class Meta:
        ordering = ["last_name", "first_name", "id"]
        permissions = [
            ("erase_contact", "Can erase what is known of a person"),
            ("export_contact", "Can download everything that is known of a person"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~models.Q(external_id=""),
                name="contact_once_per_source",
            ),
        ]
        indexes = [
            # contacts/contact_search.py: find_contacts
            GinIndex(
                models.Func(models.F("search_text"), function="callboard_grams"),
                name="contact_search",
                gin_pending_list_limit=1024,  # kB of new rows that each search looks through
            ),
            # contacts/queries.py: list_contacts
            models.Index(fields=["last_name", "first_name", "id"], name="contact_by_name"),
            # reminders/traffic/request_guard.py
            models.Index(fields=["id"], condition=models.Q(is_demo=True), name="contact_made_up"),
            # reminders/sweeps/other_numbers.py
            models.Index(
                fields=["id"],
                condition=models.Q(other_phone_use=OtherNumberUse.UNREACHABLE),
                name="contact_other_number_used",
            ),
            # contacts/duplicates.py: find_lookalikes, by name
            models.Index(fields=["name_key"], name="contact_by_name_key"),
            # reminders/api/views.py: list_page, those that changed
            models.Index(fields=["updated_at", "id"], name="contact_by_change"),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def forbidding_wish(self) -> str:
        """What the patient wants never to get, in words; "" if nothing (product rule 41)."""
        wish = Preference(self.preferred_channel)
        return str(wish.label) if wish in FORBIDDING else ""

    @property
    def full_name(self) -> str:
        if self.erased_at is not None:
            return gettext("Erased person %(id)d") % {"id": self.pk}
        return f"{self.first_name} {self.last_name}".strip()
