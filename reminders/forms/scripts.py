"""The forms of the pages of scripts: a new script, a text, and how an abbreviation is said."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.languages import list_languages
from reminders.models import Pronunciation, Script, ScriptText
from reminders.rules.script_findings import MOST_LETTERS

KEPT_LETTERS = 20_000  # what is shown again of a text that is too long to be saved


class NewScriptForm(forms.ModelForm[Script]):
    class Meta:
        model = Script
        fields = ("name", "channel")
        labels = {"name": _("Name"), "channel": _("It is sent as")}
        error_messages = {"name": {"unique": _("There is a script of this name already.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs |= {"class": "form-control", "autocomplete": "off"}
        self.fields["channel"].widget.attrs["class"] = "form-select"


class ScriptWordsForm(forms.Form):
    """A text in one language and its voice. `seen`: of the draft that was shown, "" for none.

    What is wrong with the words is found by desk/script_versions.py; here they are only read.
    """

    text = forms.CharField(
        label=_("What it says"),
        strip=True,
        required=False,
        max_length=KEPT_LETTERS,
        widget=forms.Textarea(attrs={"class": "form-control script-words", "rows": 9, "spellcheck": "true"}),
    )
    voice = forms.CharField(
        label=_("Voice"),
        required=False,
        max_length=ScriptText._meta.get_field("voice").max_length,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        help_text=_("Robotalker's name of the voice, such as en-US-Neural-F."),
    )
    seen = forms.CharField(required=False, max_length=16, widget=forms.HiddenInput)

    def clean_text(self) -> str:
        """With the line breaks that it is sent with; a browser adds a second character to each."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n").replace("\r", "\n")

    @property
    def most_letters(self) -> int:
        return MOST_LETTERS


class PronunciationForm(forms.ModelForm[Pronunciation]):
    class Meta:
        model = Pronunciation
        fields = ("written", "spoken", "language")
        labels = {"written": _("Written"), "spoken": _("Said as"), "language": _("In")}

    language = forms.ChoiceField(label=_("In"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = self.fields["language"]
        language.initial = "en"
        if isinstance(language, forms.ChoiceField):
            language.choices = list_languages("en")
        for name in ("written", "spoken"):
            self.fields[name].widget.attrs |= {"class": "form-control", "autocomplete": "off"}
        language.widget.attrs["class"] = "form-select"

    def clean_written(self) -> str:
        written = str(self.cleaned_data["written"]).strip()
        if not any(char.isalnum() for char in written):
            raise forms.ValidationError(_("Enter an abbreviation, such as Ave."))
        return written
