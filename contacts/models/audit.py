"""The audit trail: who did what, and who looked at whom."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """One deed or look of one person. Append-only; contacts/audit/trail.py writes it.

    `what` is the name of the page in the URLs, or a code; contacts/audit/words.py has its words. `about` and
    `about_id` say what it was done to, and `contact_key` which person that belongs to: a plain key and no
    reference, so that a look locks nothing, and nobody counts as in use because somebody looked at them.
    `changes`: {field: [before, after]}; of a number, the keys of its rows.
    """

    class Kind(models.TextChoices):
        DEED = "deed", _("did something")
        LOOK = "look", _("looked at something")
        SIGN_IN = "sign_in", _("logged in or out")

    at = models.DateTimeField(help_text=_("By the database's clock."))
    kind = models.CharField(max_length=8, choices=Kind)
    what = models.CharField(max_length=80)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,  # audit_of_person below is one
    )
    by_name = models.CharField(max_length=150, blank=True, help_text=_("The user name at that time."))
    address = models.CharField(max_length=45, blank=True, help_text=_("Where the request came from."))
    about = models.CharField(max_length=60, blank=True, help_text=_("The kind of thing it was done to."))
    about_id = models.BigIntegerField(null=True, blank=True)
    contact_key = models.BigIntegerField(null=True, blank=True, help_text=_("The contact whom it concerns."))
    changes = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text=_("Why, in the words of whoever did it."))

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("audit entries")
        indexes = [
            # contacts/audit/reading.py: who looked at this person; trail.py: has this person just looked?
            models.Index(
                fields=["contact_key", "id"],
                condition=models.Q(contact_key__isnull=False),
                name="audit_of_contact",
            ),
            models.Index(fields=["by", "id"], name="audit_of_person"),  # contacts/audit/reading.py
            # contacts/audit/sign_ins.py: the last logins
            models.Index(fields=["id"], condition=models.Q(kind="sign_in"), name="audit_of_sign_ins"),
            models.Index(fields=["at"], name="audit_by_time"),  # contacts/audit/reading.py, retention
        ]

    def __str__(self) -> str:
        return f"audit entry {self.pk}"
