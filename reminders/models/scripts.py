"""What is said: scripts, their texts in versions, and how abbreviations are said."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from contacts.languages import name_language
from contacts.models.people import Channel
from reminders.rules.script_findings import MOST_LETTERS


class Script(models.Model):
    """What is said, in all its languages and versions.

    `channel`: what it is written for. What its steps really do with it counts where there are any.
    """

    name = models.CharField(max_length=120, unique=True)
    channel = models.CharField(max_length=5, choices=Channel, default=Channel.VOICE, db_default=Channel.VOICE)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ScriptText(models.Model):
    """A version of a script's text in one language.

    A draft is written and changed; only what is published is ever sent: the newest version of a language. A
    published version is never changed (a trigger of the database sees to it): what is edited is a new draft.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")

    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=8, help_text=_("ISO 639-1."))
    version = models.PositiveIntegerField(default=1)
    voice = models.CharField(max_length=60, default="en-US-Neural-F", blank=True)
    text = models.TextField(
        max_length=MOST_LETTERS,
        help_text=_(
            "Variables: {FIRST_NAME} {APPT_DATE} {APPT_TIME} {PRACTICE} {PROVIDER} {CALLBACK_NUMBER}"
        ),
    )
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT, db_default=State.DRAFT)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    written_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    published_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Empty: published before publishing was recorded.")
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_warnings = models.JSONField(
        default=list, blank=True, db_default=[], help_text=_("The warnings that a second person has read.")
    )

    class Meta:
        ordering = ["script", "language", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["script", "language", "version"], name="script_text_version_once"
            ),
            models.UniqueConstraint(
                fields=["script", "language"], condition=Q(state="draft"), name="script_text_one_draft"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "published"]), name="script_text_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.script} · {self.language} · v{self.version}"

    @property
    def is_published(self) -> bool:
        return self.state == self.State.PUBLISHED


class Pronunciation(models.Model):
    """How an abbreviation in the names of locations and providers is said in calls: "Dr." as "Doctor"."""

    written = models.CharField(max_length=40)
    spoken = models.CharField(max_length=80)
    language = models.CharField(max_length=8, help_text=_("ISO 639-1."))

    class Meta:
        ordering = ["written", "language"]
        constraints = [
            models.UniqueConstraint(
                Lower("written"),
                "language",
                name="pronunciation_once",
                violation_error_message=_("This abbreviation is in the list already. Remove it there first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.written}: {self.spoken} ({self.language})"

    @property
    def language_name(self) -> str:
        return name_language(self.language)
