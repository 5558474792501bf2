"""The words of replies.py, by language. Phrases are apart by "|", and folded before they are compared, so
that case, accents and apostrophes don't matter here.

English, Spanish and French follow the words that carriers in the US and Canada take as an opt-out (STOP,
STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE, OPT OUT; ALTO, BAJA, PARAR; ARRET); product rule 32 adds that
they count within a sentence.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReplyWords:
    """The words of one language.

    `sure`: no more calls or texts, wherever they stand. `stop`: the same as a sentence by itself; within
    another sentence they are doubtful. `alone`: only as a sentence. `doubtful`: always doubtful. `cancel`: no
    more, or the appointment. `nine`: the key 9 in words. `start`: texts again.
    """

    sure: str = ""
    stop: str = ""
    alone: str = ""
    doubtful: str = ""
    cancel: str = ""
    nine: str = ""
    start: str = ""
    confirm: str = ""
    another_time: str = ""


LANGUAGES = {
    "en": ReplyWords(
        sure="stopall|stop all|stop it|unsubscribe|unsub|unsubscribed|opt out|optout|opt me out"
        "|opting out|stop calling|stop texting|stop messaging|stop sending|stop contacting"
        "|stop the calls|stop the texts|stop these|stop this|stop call|stop calls|stop text"
        "|stop texts|stop message|stop messages|quit calling|quit texting|quit sending"
        "|quit contacting|do not call|do not text|do not contact|do not message|do not send"
        "|don't call|don't text|don't contact|don't message|don't send|don't want calls"
        "|don't want texts|don't want messages|don't want any more|don't want these"
        "|don't want your|don't want to get|dont call|dont text|dont contact|dont message"
        "|dont send|dont want texts|dont want calls|dont want messages|dont want any more"
        "|dont want these|do not want calls|do not want texts|do not want messages"
        "|do not want any more|do not want to get|do not want to receive|don't want to receive"
        "|dont want to receive|do not want these|never call|never text|never contact"
        "|no more calls|no more texts|no more text|no more messages|no more message|no more sms"
        "|no more reminders|no more calling|no more texting|no more contact|take me off"
        "|take us off|take my number off|take this number off|remove me|remove us"
        "|remove my number|remove this number|remove my phone|delete my number|delete this number"
        "|take my name off|take my cell off|remove my name|remove my cell|remove this phone|delete my info"
        "|delete my information|un subscribe|desubscribe|stop bothering|stop harassing|quit bothering"
        "|quit harassing|don't bother me|do not bother me|no longer wish to receive|no longer want to receive"
        "|don't wish to receive|do not wish to receive|don't want to be called|don't want to be contacted"
        "|don't want to be texted|do not want to be called|do not want to be contacted"
        "|do not want to be texted|lose my number|lose this number|leave me alone|leave us alone"
        "|revoke my consent|revoke consent|withdraw my consent|i revoke|do not disturb me",
        stop="stop|quit|end|revoke|ѕтор|стор|no calls|no texts|no messages|no text messages"
        "|no phone calls|off your list|off the list|off this list|off of your list",
        alone="no more|remove|delete me|enough|go away",
        doubtful="wrong number|wrong person|not my number|no longer want|no longer wish|don't need these"
        "|don't need texts|don't need calls|don't need reminders|don't need any more|do not need these"
        "|do not need reminders|no reminders|fuck off|f off|piss off",
        cancel="cancel|cancel it|cancel my appointment|cancel all",
        nine="9|nine",
        start="start|unstop|restart|opt in|opt me in|optin|subscribe|resubscribe|resume|start texting"
        "|start sending|start messaging|text me again|resume texts|turn back on",
        confirm="1|one|c|y|yes|yes i can|yep|yeah|yup|ya|ok|okay|k|kk|confirm|confirmed|confirming"
        "|confirms|i confirm|i'll be there|ill be there|i will be there|we'll be there"
        "|we will be there|will be there|see you then|see you there|see you|sure|sounds good"
        "|i'm coming|i am coming|im coming",
        another_time="2|two|r|reschedule|rescheduled|rescheduling|re schedule|another time|another day"
        "|different time|different day|new time|change|change it|change time|change the time"
        "|move it|move",
    ),
    "es": ReplyWords(
        sure="no quiero más mensajes|no quiero más textos|no quiero más llamadas|no más mensajes"
        "|no más llamadas|no más textos|no más sms|no más mensaje|no más llamada|no llame"
        "|no llamen|no llames|no llamar|no me llame|no me llamen|no me llames"
        "|no me vuelva a llamar|no me vuelvan a llamar|no envíe|no envíen|no envíes|no enviar"
        "|no me envíe|no me envíen|no mande|no manden|no mandes|no me mande|no me manden"
        "|no me mandes|no escriba|no escriban|no me escriba|no me escriban|no me contacte"
        "|no me molesten|no me moleste|no me molestes|no molesten|no me textee|no me texteen|no textear"
        "|no me contacten|no contactar|no contacten|no quiero mensajes|no quiero llamadas"
        "|no quiero recibir|no deseo recibir|deje de llamar|deje de llamarme|dejen de llamar"
        "|dejen de llamarme|deje de enviar|deje de enviarme|dejen de enviar|dejen de enviarme"
        "|deje de mandar|deje de mandarme|dejen de mandar|dejen de mandarme|dejen de escribir"
        "|dejen de escribirme|deje de molestar|dejen de molestar|dejen de molestarme"
        "|dejar de llamar|dejar de enviar|dejar de mandar|darme de baja|dar de baja|dame de baja"
        "|denme de baja|darse de baja|quíteme|quítenme|quitarme|quítame|bórreme|bórrenme|bórrame"
        "|elimíneme|elimínenme|desuscribir|desuscribirme|desuscribirse|desuscríbame"
        "|anular suscripción|cancelar suscripción|ya no me llamen|ya no me manden|ya no me envíen",
        stop="alto|baja|parar|pare|paren|basta|detener|detenga|deténgase|detengan|detente|revocar|cese|cesen",
        alone="no más|nomás|fin|salir|terminar|finalizar|para|ya basta|dejar|eliminar|borrar|remover|stop ya",
        doubtful="número equivocado|no quiero más|deje de|dejen de|deja de",
        cancel="cancelar|cancele|cancelen|cancela|cancelo|cancélame|anular|anule|anulen|anula",
        nine="nueve",
        start="iniciar|inicio|empezar|comenzar|reanudar|alta|reactivar|suscribir|suscribirme",
        confirm="sí|si señor|si señora|confirmo|confirmar|confirmado|confirmada|confirma|uno|claro"
        "|claro que sí|vale|de acuerdo|está bien|ahí estaré|allí estaré|ahí estaremos|así es|sip",
        another_time="dos|cambiar|cambio|cambiarla|reprogramar|reagendar|otra hora|otro día|otra fecha"
        "|posponer|aplazar|mover",
    ),
    "fr": ReplyWords(
        sure="désabonner|désabonnez|désabonne|désabonnement|me désabonner|désinscrire|désinscription"
        "|désinscrivez|désinscris|ne m'appelez plus|ne m'appelez pas|n'appelez plus|n'appelez pas"
        "|ne m'écrivez plus|n'écrivez plus|ne m'envoyez plus|n'envoyez plus|n'envoyez pas"
        "|ne me textez plus|ne textez plus|ne me rappelez plus|ne me dérangez plus|ne m'écris plus"
        "|ne m'envoie plus|ne me contactez plus|ne m'appelle plus|ne plus appeler|ne plus envoyer"
        "|ne plus recevoir|ne pas appeler|ne pas déranger|plus d'appels|plus d'appel|plus de messages"
        "|plus de message|plus de sms|plus de textos|plus de texto|plus de rappels"
        "|pas de messages|pas de sms|pas d'appels|arrêtez de|cessez de|retirez-moi"
        "|retirez mon numéro|enlevez-moi|supprimez mon numéro|supprimez-moi"
        "|laissez-moi tranquille|je me retire",
        stop="arrêt|arrêter|arrêtez|arrête|arrêtes|stopper|stoppez|cessez|cesser|révoquer",
        alone="fin|quitter|supprimer|ça suffit|assez|terminer",
        doubtful="mauvais numéro|faux numéro|je ne veux plus",
        cancel="annuler|annulez|annule|annulé|annulation|résilier",
        nine="neuf",
        start="reprendre|recommencer|commencer|démarrer|début|réabonner|réactiver|s'abonner",
        confirm="oui|ouais|je confirme|confirmer|confirme|confirmé|d'accord|dac|bien sûr|je serai là"
        "|j'y serai|entendu",
        another_time="deux|changer|reporter|déplacer|modifier|autre heure|une autre heure|autre jour"
        "|changement",
    ),
    "de": ReplyWords(
        sure="abmelden|abbestellen|austragen|meld mich ab|melden sie mich ab|hören sie auf|hört auf"
        "|hör auf|aufhören|keine nachrichten|keine nachricht|keine sms|keine anrufe|keine texte"
        "|keine erinnerungen|nicht mehr anrufen|nicht anrufen|nicht mehr schreiben"
        "|rufen sie nicht|rufen sie mich nicht|rufen sie mich nie|ruft mich nicht"
        "|schreiben sie nicht|schreiben sie mir nicht|schicken sie mir keine"
        "|lassen sie mich in ruhe|löschen sie meine nummer|streichen sie mich|widerrufe",
        stop="stopp|stoppen|stoppt|widerruf|widerrufen|beenden",
        alone="ende|schluss|raus|löschen",
        doubtful="falsche nummer",
        cancel="stornieren|storno|absagen|sage ab|abbrechen|canceln|kündigen|annullieren",
        nine="neun",
        start="anmelden|starten|fortsetzen|wieder anmelden",
        confirm="ja|jawohl|jo|bestätige|bestätigt|bestätigen|ich bestätige|ich komme|wir kommen|passt"
        "|eins|gerne|einverstanden",
        another_time="zwei|verschieben|verlegen|ändern|anderer termin|andere zeit|umbuchen",
    ),
    "pt": ReplyWords(
        sure="não ligue|não liguem|não me ligue|não me liguem|não envie|não enviem|não mande"
        "|não mandem|não me mande|não me envie|não me contacte|não quero mensagens"
        "|não quero receber|mais mensagens não|chega de mensagens|pare de|parem de|descadastrar"
        "|descadastre|me tire|me tirem|me remova|remova meu número",
        stop="parar|pare|parem|basta|revogar",
        alone="sair|fim|chega|remover|encerrar",
        doubtful="número errado|não quero mais",
        cancel="cancelar|cancele|cancela|cancelem|desmarcar|desmarque|anular",
        nine="nove",
        start="iniciar|começar|retomar|reativar",
        confirm="sim|confirmo|confirmar|confirmado|confirmada|certo|combinado|estarei lá",
        another_time="dois|remarcar|mudar|alterar|reagendar|outro horário|outro dia",
    ),
    "it": ReplyWords(
        sure="non chiamare|non chiamate|non chiamatemi|non mi chiamate|non mi chiami|non chiami"
        "|non scrivete|non scrivetemi|non mandate|non mandatemi|non inviate|non inviatemi"
        "|non voglio messaggi|niente messaggi|niente chiamate|basta messaggi|basta chiamate"
        "|smettetela|smettila|smettete di|smetti di|disiscrivimi|disiscrivere|disiscrivetemi"
        "|rimuovetemi|toglietemi",
        stop="basta|ferma|fermate|fermati|smettere|smettete|smetti|revocare",
        alone="rimuovere|uscire",
        doubtful="numero sbagliato|non voglio più",
        cancel="annulla|annullare|annullate|cancella|cancellare|cancellate|disdire|disdico|disdetta",
        nine="nove",
        start="inizia|iniziare|riprendi|riprendere|riattiva",
        confirm="sì|confermo|confermare|confermato|confermata|va bene|d'accordo|certo|ci sarò",
        another_time="due|spostare|cambiare|sposta|un altro orario|altro orario|altro giorno",
    ),
    "nl": ReplyWords(
        sure="afmelden|uitschrijven|bel niet|niet bellen|niet meer bellen|geen berichten|geen sms",
        stop="stoppen",
        alone="einde",
        cancel="annuleren|annuleer|afzeggen",
        nine="negen",
        start="aanmelden",
        confirm="ja|bevestig|bevestigd|akkoord|prima",
        another_time="twee|verzetten|wijzigen",
    ),
    "pl": ReplyWords(
        sure="nie dzwoń|nie dzwońcie|nie pisz|nie piszcie|nie wysyłaj|wypisz|wypisać|rezygnuję",
        stop="przestań|przestańcie",
        alone="koniec",
        cancel="anuluj|anulować|odwołaj|odwołać|odwołuję",
        start="wznów",
        confirm="tak|potwierdzam",
        another_time="zmień|zmienić|przełożyć",
    ),
    "ru": ReplyWords(
        sure="не звоните|не звони|не пишите|не пиши|не присылайте|отписаться|отпишите|отписка|отписать",
        stop="стоп|хватит|прекратите|прекратить|остановите",
        alone="конец",
        doubtful="не тот номер",
        cancel="отмена|отменить|отмените",
        start="старт|возобновить",
        confirm="да|подтверждаю|подтвердить|хорошо",
        another_time="перенести|перенесите|изменить",
    ),
    "vi": ReplyWords(
        sure="đừng gọi|không gọi|đừng nhắn|không nhắn|ngừng gọi|ngừng nhắn|hủy đăng ký",
        stop="ngừng",
        doubtful="dừng",  # without its accents it may be "right", too
        cancel="hủy|huỷ",
        start="bắt đầu",
        confirm="vâng|xác nhận|đồng ý|dạ",
        another_time="đổi giờ|đổi lịch|dời lịch",
    ),
    "ht": ReplyWords(
        sure="pa rele m|pa rele|pa voye|pa ekri m|retire m",
        stop="sispann|rete|kanpe",
        cancel="anile",
        start="kòmanse",
        confirm="wi|mwen konfime|konfime|dakò",
        another_time="chanje",
    ),
    "tl": ReplyWords(
        sure="huwag tumawag|huwag mag text|huwag nang tumawag|itigil",
        stop="tigil|ihinto|hinto|tama na",
        cancel="kanselahin|ikansela|kansela",
        start="simulan",
        confirm="oo|opo",
        another_time="palitan|ilipat",
    ),
    "so": ReplyWords(
        sure="ha i soo wicin",
        stop="jooji|joojiya",
        start="bilow",
        confirm="haa",
    ),
    "am": ReplyWords(
        stop="አቁም|አቁሙ",
        cancel="ሰርዝ",
        confirm="አዎ",
    ),
    "ar": ReplyWords(
        sure="لا تتصل|لا تتصلوا|لا ترسل|لا ترسلوا|إلغاء الاشتراك",
        stop="توقف|توقفوا|أوقف|إيقاف|قف|كفى",
        cancel="إلغاء|ألغ|ألغي",
        start="ابدأ",
        confirm="نعم|أؤكد|تأكيد|موافق",
        another_time="تغيير|تأجيل",
    ),
    "zh": ReplyWords(
        sure="退订|退訂|不要再|别再|別再|不要打|不要发|不要發|拒收|停止|停发|停發|取消订阅|取消訂閱",
        stop="停",
        cancel="取消",
        start="开始|開始|订阅|恢复",
        confirm="是|是的|好|好的|确认|確認|可以|对|對",
        another_time="改期|改时间|改時間|换时间",
    ),
    "ja": ReplyWords(
        sure="停止|配信停止|やめて|止めて|ストップ|解除|かけないで|送らないで",
        cancel="キャンセル|取り消し|取消",
        start="再開",
        confirm="はい|確認|確認しました|了解|了解です",
        another_time="変更|日時変更",
    ),
    "ko": ReplyWords(
        sure="중지|그만|수신거부|멈춰|스톱|연락하지|전화하지|보내지",
        cancel="취소",
        start="시작|재개",
        confirm="네|예|확인|알겠습니다",
        another_time="변경",
    ),
}
# Written without spaces between words, so these are looked for anywhere in a sentence.
UNSPACED = frozenset({"zh", "ja", "ko"})

# Words that change nothing.
POLITE = (
    "please pls plz thanks thank thx ty tks you u hi hello hey dear sir madam maam mam ma'am doctor dr dra"
    " kindly just now today immediately asap already ok okay so well and"
    " por favor favor gracias muchas ya señor señora hola buenos buenas días tardes noches y"
    " merci s'il vous te plaît svp stp bonjour madame monsieur et beaucoup maintenant"
    " bitte danke vielen sofort hallo und guten tag schön"
    " obrigado obrigada olá bom boa dia tarde agora e"
    " grazie prego per favore piacere ciao subito"
    " proszę dziękuję пожалуйста спасибо alstublieft dank salamat po mèsi tanpri"
)
# Words that may stand beside "stop" or "start" and leave no doubt about it.
ABOUT_THE_MESSAGES = (
    "all any more further this these those that it me us my our your the a to from on of for and with in at"
    " text texts texting txt txts sms mms message messages messaging msg msgs call calls calling phone phones"
    " number cell cellphone mobile reminder reminders notification notifications alert alerts spam stuff"
    " sending contacting bothering communication communications again everything anymore"
    " mensajes mensaje llamadas llamada llamar textos texto de los las la el a mi me todo todos todas enviar"
    " enviarme mandar mandarme llamarme ahora mismo inmediatamente recordatorios más"
    " messages appels appel textos texto d' l' les le des tout tous tout de suite m' appeler rappels ça"
    " nachrichten anrufe alle mir mich mehr mit den diese erinnerungen jetzt"
    " mensagens mensagem ligações os as messaggi chiamate di"
)
# Words that may stand beside a "yes" or a wish for another time.
ABOUT_THE_APPOINTMENT = (
    "i we my our the a an to for it this is am press pressed key keys option number reply button need want"
    " would like appointment appt apt visit time"
    " mi la el una un cita hora para tecla opción quiero necesito quisiera"
    " mon ma le rendez-vous rdv touche je veux voudrais l' l'heure"
    " den einen termin taste ich möchte will meinen"
    " a minha consulta o tecla eu quero"
    " mio l'appuntamento appuntamento tasto io vorrei"
)
# Those that may stand beside a digit that is no time of day: "press 9", "option 2", but not "9 am".
ABOUT_A_KEY = (
    "i to press pressed key keys option number reply button choose want need"
    " tecla opción quiero touche je veux taste ich möchte tecla eu quero tasto io vorrei"
)
# Politeness that leaves a doubt beside a 9: it may be a time ("ok 9", "today 9").
MAY_BE_A_TIME = (
    "just now today immediately asap already ok okay so well and y ya días tardes noches et maintenant sofort"
    " und guten tag tarde dia boa bom agora e subito"
)
# Words that say that the digit beside them is a time, or a number of something.
OF_A_TIME = "am for time la hora un l'heure is it this"
DIGITS = "1 2 one two uno dos deux eins zwei dois due twee"
# Words that may stand between the parts of a "no": "don't ever call".
BETWEEN_A_NO = "ever please pls plz you just even por favor jamás"
# The beginnings of words that speak of calls: such a "no" by text stops calls, whatever OPT_OUT_SCOPE says.
CALL_WORDS = (
    "call phone ring llam telef appel telep anruf ruf lig chiam dzwon звон goi rele tumawag tawag اتصل تتصل"
    " 打 电话 電話 전화"
)
# "don't", "won't" and "can't" end with "t" once their apostrophe is gone.
NEGATIONS = (
    "t n dont not never no non without nao não ne pas nicht nie kein keine nunca sin sans senza nie не"
)
# Words one letter away from a "no" that mean something else.
NO_SLIPS = "top shop step atop strop slop sop stow stoop spot stoic"
# Places and things that have such a word in their name.
NOT_MEANT = "palo alto|baja california|baja calif|bus stop|truck stop|rest stop|pit stop|last stop|stop sign"
