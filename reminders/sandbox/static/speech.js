/* Speaks a call's text aloud and highlights each word as it is spoken. */

const WORDS_PER_SECOND = 2.6;
const synthesis = window.speechSynthesis;
let muted = readMuted();

export const isMuted = () => muted;

export function setMuted(value) {
  muted = value;
  try { localStorage.setItem("phones.muted", String(value)); } catch { /* not available in some private windows */ }
  if (muted) synthesis?.cancel();
}

function readMuted() {
  try { return localStorage.getItem("phones.muted") === "true"; } catch { return false; }
}

/** Put the text into the element, one span per word. */
export function layOut(element, text) {
  element.replaceChildren(...text.split(/\s+/).flatMap((word) => {
    const span = document.createElement("span");
    span.textContent = word;
    return [span, " "];
  }));
}

export function showAll(element) {
  for (const span of element.querySelectorAll("span")) span.classList.add("said");
}

/** Highlight the words one by one, and speak them if `aloud`. Returns a function that stops it. */
export function say(element, call, { aloud, speed }) {
  const spans = [...element.querySelectorAll("span")];
  const started = performance.now();
  let said = 0;
  const show = (count) => {
    while (said < count && said < spans.length) spans[said++].classList.add("said");
    const last = spans[said - 1];
    if (last) element.scrollTop = last.offsetTop - element.offsetTop - element.clientHeight / 2;
  };
  const timer = setInterval(() => {
    show(Math.ceil(((performance.now() - started) / 1000) * WORDS_PER_SECOND * speed));
    if (said >= spans.length) clearInterval(timer);
  }, 120);
  const utterance = aloud && !muted && synthesis ? speak(call) : null;
  utterance?.addEventListener("boundary", (event) => {
    clearInterval(timer); // from now on the voice reports its position
    show(call.message.slice(0, event.charIndex).split(/\s+/).length);
  });
  utterance?.addEventListener("end", () => show(spans.length));
  return () => { clearInterval(timer); if (utterance) synthesis.cancel(); };
}

function speak(call) {
  const utterance = new SpeechSynthesisUtterance(call.message);
  utterance.lang = call.language;
  const voices = synthesis.getVoices();
  const fitting = voices.filter((voice) => voice.lang.replace("_", "-").startsWith(call.language.slice(0, 2)));
  utterance.voice = fitting.find((voice) => voice.lang.replace("_", "-") === call.language) ?? fitting[0] ?? null;
  synthesis.cancel();
  synthesis.speak(utterance);
  return utterance;
}
