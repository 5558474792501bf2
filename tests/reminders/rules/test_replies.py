# ruff: noqa: E501 - a table of texts
"""What a text message means (product rules 11 and 32): one table, each row a text and how it is read."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.rules.replies import Reply, ReplyMeaning, fold, is_one_slip_away, read_reply
from reminders.rules.reply_words import LANGUAGES

CONFIRM, ANOTHER_TIME = Reply(ReplyMeaning.CONFIRM), Reply(ReplyMeaning.ANOTHER_TIME)
NO, START, UNCLEAR = Reply(ReplyMeaning.OPT_OUT), Reply(ReplyMeaning.OPT_IN), Reply(ReplyMeaning.UNCLEAR)
NO_CALLS = Reply(ReplyMeaning.OPT_OUT, names_calls=True)
DOUBTFUL = Reply(ReplyMeaning.OPT_OUT, doubtful=True)
CANCEL = Reply(ReplyMeaning.OPT_OUT, cancel=True)
DOUBTFUL_CANCEL = Reply(ReplyMeaning.OPT_OUT, doubtful=True, cancel=True)

TEXTS = {
    # a "no" as the whole text
    **dict.fromkeys(["Stop", "STOP.", "stop!!!", "9.", "9", "STOPALL", "Stop all", "UNSUBSCRIBE", "unsub"], NO),
    **dict.fromkeys(["OPT OUT", "opt-out", "OptOut", "REVOKE", "END", "The end.", "QUIT", "Stopp", "STOP STOP"], NO),
    **dict.fromkeys(["stop .", "STOP,", "STOP?", "“STOP”", '"stop"', "'STOP'", "«Stop»", "(stop)", "*STOP*"], NO),
    **dict.fromkeys(["STOP\u200b", "S\u200bTOP", "\ufeffstop", "st\u00adop", "STOP\x00", " \u202eSTOP\u202c"], NO),
    **dict.fromkeys(["ＳＴＯＰ", "𝐒𝐓𝐎𝐏", "Ⓢⓣⓞⓟ", "s t o p", "S.T.O.P.", "s-t-o-p", "STOOOP", "ѕтор", "🛑"], NO),
    **dict.fromkeys(["９", "9️⃣", "(9)", "#9", "⑨", "٩", "nine", "9 please", "press 9"], NO),
    # with other words
    **dict.fromkeys(["Stop. Thank you", "please stop", "stop\tthanks", "STOP\n--\nSarah Miller", "STOP\nSarah"], NO),
    **dict.fromkeys(["STOP.\r\nSent from my iPhone", "please\u200bstop", "Ok stop", "1\nSTOP", "stop it"], NO),
    **dict.fromkeys(["do not text", "Don’t text me anymore", "no more messages", "take me off your list"], NO),
    **dict.fromkeys(["unsubscribe me", "please take my number off", "Stop! I already confirmed", "quit texting me"], NO),
    **dict.fromkeys(["stop sending me texts from this number", "leave me alone", "I revoke my consent"], NO),
    **dict.fromkeys(["Stop calling me", "do not call", "END CALLS", "no more calls", "Dejen de llamarme"], NO_CALLS),
    **dict.fromkeys(["no llame más", "ne m'appelez plus", "Nicht mehr anrufen!", "don't call me, text me"], NO_CALLS),
    # in other languages
    **dict.fromkeys(["ARRÊT", "arret", "arre\u0302t", "arrêtez", "ALTO", "Alto, por favor", "BAJA", "basta"], NO),
    **dict.fromkeys(["darme de baja", "no quiero más mensajes"], NO),
    **dict.fromkeys(["désabonner", "fin", "pare", "Bitte abmelden", "Ende", "smettetela", "стоп", "停止"], NO),
    **dict.fromkeys(["退订谢谢", "停", "やめて", "그만", "تَوَقَّف", "sispann", "itigil", "afmelden", "koniec"], NO),
    **dict.fromkeys(["Un-subscribe", "please do not ever text this number again", "9 thanks", "press nine"], NO),
    **dict.fromkeys(["Don't ever call me again", "please, don't you ever call this number"], NO_CALLS),
    **dict.fromkeys(["take my name off", "ne m'écris plus", "no me molesten", "I don't want to be contacted"], NO),
    # it may have meant something else
    **dict.fromkeys(["STOP2END", "Stp", "please unsubcribe my number from your list", "I don't need these texts"], DOUBTFUL),
    **dict.fromkeys(["ok 9", "9 today"], DOUBTFUL),
    **dict.fromkeys(["don't stop", "non-stop", "I'll stop by at 9", "can't stop by", "I didn't opt out"], DOUBTFUL),
    **dict.fromkeys(["See you at the end of the week", "1 STOP", "Stop Sarah", "stop2", "STОP", "dung"], DOUBTFUL),
    **dict.fromkeys(["1 9", "1,9", "yes 9", "99", "wrong number", "I have no messages", "À l'arrêt de bus"], DOUBTFUL),
    **dict.fromkeys(["sotp", "stpo", "sto", "stpp", "st0p", "stopk", "unsuscribe"], DOUBTFUL),
    # the appointment, or the messages?
    **dict.fromkeys(["CANCEL", "cancel.", "CANCEL please, I am ill", "yes, cancel it", "Cancelar", "annulez"], CANCEL),
    **dict.fromkeys(["absagen bitte", "取消", "キャンセル", "cancel\u200b", "cancell", "disdire"], CANCEL),
    **dict.fromkeys(["don't cancel", "please do not cancel my appointment", "cancle"], DOUBTFUL_CANCEL),
    "n'annulez pas": DOUBTFUL_CANCEL,
    # a "yes"
    **dict.fromkeys(["1 to confirm", "1 to confirm my appointment", "yes, 1 thanks", "quiero 1", "I am confirming"], CONFIRM),
    **dict.fromkeys(["1", "1,", "1)", "'1'", "１", "1️⃣", "①", "1=confirm", "1.", "Press 1", "1 please", "one"], CONFIRM),
    **dict.fromkeys(["YES", "yes please", "Yes, see you!", "y", "C", "ok", "OK thank you", "si", "sí", "oui"], CONFIRM),
    **dict.fromkeys(["Sí, confirmo mi cita", "ja", "sim", "d'accord", "はい", "是的", "да", "1\nSent from my iPhone"], CONFIRM),
    **dict.fromkeys(["Yes\n\n--\nSarah", "I'll be there", "confirm 1", "𝟏"], CONFIRM),
    # another time
    **dict.fromkeys(["2", "2.", "R", "r!", "2️⃣", "reschedule", "I need to reschedule my appointment"], ANOTHER_TIME),
    **dict.fromkeys(["cambiar", "reporter", "verschieben bitte", "2=change"], ANOTHER_TIME),
    # texts again
    **dict.fromkeys(["START", "unstop", "Start!", "start texting me again", "ＳＴＡＲＴ", "opt in", "iniciar"], START),
    # a digit that is a time of day, or a number of something, is no key
    **dict.fromkeys(["9 am", "nine am", "1 am", "2 am", "yes 1 am", "9am is fine", "yes, 9am", "2pm?", "at 1", "for 9"], UNCLEAR),
    **dict.fromkeys(["my appointment is 9", "My appointment is for 1", "the time is 2", "a la 1", "a las 9", "à 9h"], UNCLEAR),
    **dict.fromkeys(["call me 9-5", "2:30 works", "move to 9", "change it to 9", "I have 2 kids", "Yes for 1"], UNCLEAR),
    **dict.fromkeys(["change my number", "It is due", "Yes I will not be there", "Yes I will be there, can't wait"], UNCLEAR),
    # nothing that we may guess
    **dict.fromkeys(["", " ", "?", "No", "n", "nope", "👍", "see you at 9", "9:00", "9.30 ok", "ok 9am", "19"], UNCLEAR),
    **dict.fromkeys(["1 2", "yes or 2", "yes but later", "can I change it?", "Yes?", "1 Sarah", "stopped by"], UNCLEAR),
    **dict.fromkeys(["shop", "Top!", "step", "Palo Alto", "I am in Baja California", "at the bus stop"], UNCLEAR),
    **dict.fromkeys(["don't start", "I can't make it", "ok call me", "Um", "à la fin du mois", "call me"], UNCLEAR),
    "Liked “Hello Sarah, this is Harbor Clinic. Reply STOP to stop.”": UNCLEAR,
    "Reacted 👍 to “Hello Sarah, this is Harbor Clinic. Reply STOP to stop.”": UNCLEAR,
    "Le gustó “Hola Sarah, le recuerda Harbor Clinic. Responda 9 para parar.”": UNCLEAR,
    "A aimé « Bonjour Sarah, ici Harbor Clinic. Répondez STOP pour arrêter. »": UNCLEAR,
    "Liked “STOP”": DOUBTFUL,
}  # fmt: skip


@pytest.mark.parametrize(("text", "reply"), TEXTS.items(), ids=[ascii(text) for text in TEXTS])
def test_each_text_is_read_as_the_table_says(text: str, reply: Reply) -> None:
    assert read_reply(text) == reply


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_refusal_of_every_language_is_heard_in_capitals_and_beside_a_thank_you(code: str) -> None:
    words = LANGUAGES[code]
    for phrase in filter(None, "|".join([words.sure, words.stop, words.alone, words.cancel]).split("|")):
        for text in (phrase, phrase.upper(), f"{phrase}. Thank you"):
            assert read_reply(text).meaning == ReplyMeaning.OPT_OUT, text


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_word_has_two_meanings(code: str) -> None:
    words = LANGUAGES[code]
    meanings = {
        ReplyMeaning.CONFIRM: words.confirm,
        ReplyMeaning.ANOTHER_TIME: words.another_time,
        ReplyMeaning.OPT_IN: words.start,
    }
    for meaning, phrases in meanings.items():
        for phrase in filter(None, phrases.split("|")):
            assert read_reply(phrase).meaning == meaning, phrase


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_text_around_unsubscribe_hides_it(before: str, after: str) -> None:
    assert read_reply(f"{before} unsubscribe {after}").meaning == ReplyMeaning.OPT_OUT


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(read_reply(text), Reply)
    assert fold(fold(text)) == fold(text)


SLIPS = [
    ("stp", True),
    ("stopp", True),
    ("sotp", True),
    ("stip", True),
    ("stop", False),
    ("spot", False),
    ("st", False),
    ("stoppp", False),
    ("", False),
]


@pytest.mark.parametrize(("word", "is_slip"), SLIPS)
def test_one_letter_missing_added_wrong_or_swapped_is_one_slip(word: str, is_slip: bool) -> None:
    assert is_one_slip_away(word, "stop") is is_slip


@pytest.mark.parametrize(
    "part", ["\n", " ", "\n ", "cancel ", "don't cancel ", "stop ", "9\n", "a.", "\ufdfa"]
)
def test_no_text_takes_long(part: str) -> None:
    """A text of line breaks took 18 s of a request."""
    text = part * (16_384 // len(part.encode()))
    began = time.process_time()
    read_reply(text)
    assert time.process_time() - began < 3
