"""What is asked of the audit trail. By GET: keys, days and codes only, nothing that names a patient."""

from datetime import tzinfo
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from contacts.audit.reading import AuditScope
from contacts.models import AuditEntry
from contacts.parameters import DayField, read_row_id

DOWNLOADS = {
    *("contact_data", "evidence_file", "import_changes", "import_problems", "import_rejected"),
    *("report_file", "event_export_file", "audit_file"),
}
# Entries of one matter: a word for it, and the codes of contacts/audit/words.py.
MATTERS = {
    "sending": (_("pausing, resuming, the mode"), "sending_paused,sending_resumed,mode_chosen"),
    "users": (
        _("users and roles"),
        "user_added,user_changed,group_changed,admin:auth_user_password_change",
    ),
    "contacts": (
        _("edits of contacts"),
        "add_contact,contact_changed,merge_contacts,erase_contact,number_usable",
    ),
    "evidence": (_("evidence of calls"), "evidence,evidence_file"),
    "downloads": (
        _("downloads"),
        ",".join(sorted(DOWNLOADS)),
    ),
}


class AuditFilters(forms.Form):
    """Who, what and when. What can't be read is passed over."""

    person = forms.ChoiceField(label=_("Who"), required=False)
    kind = forms.ChoiceField(label=_("What"), required=False)
    since = DayField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = DayField(label=_("To"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.order_by("username")
        names = [(str(one.pk), f"{one.get_full_name() or one.username} ({one.username})") for one in people]
        matters = [(code, words) for code, (words, _codes) in MATTERS.items()]
        choices = {"person": [("", _("everybody")), *names]}
        choices["kind"] = [("", _("everything")), *AuditEntry.Kind.choices, *matters]
        for name, offered in choices.items():
            chosen = self.fields[name]
            assert isinstance(chosen, forms.ChoiceField)  # noqa: S101 - mypy: its type as declared above
            chosen.choices = offered

    def read_scope(self, zone: tzinfo) -> AuditScope:
        """What was asked for; the filters that can be read."""
        self.is_valid()
        asked = self.cleaned_data
        kind = asked.get("kind") or ""
        matter = MATTERS.get(kind)
        return AuditScope(
            zone=zone,
            person=read_row_id(asked.get("person", "")),
            contact=read_row_id(self.data.get("contact", "")),
            kind="" if matter else kind,
            what=matter[1] if matter else "",
            since=asked.get("since"),
            until=asked.get("until"),
        )
