/* The phones: a card for each ringing or answered call, a row for each ended one. */

import { act } from "./control.js";
import { layOut, say, showAll } from "./speech.js";

const KEEP_ENDED_CARD_MS = 3500;
const MOST_ROWS = 200;
const OUTCOMES = {
  answered: ["Answered", "good"], voicemail: ["Voicemail", "half"],
  no_answer: ["No answer", "half"], failed: ["Failed", "bad"],
};
const MEANINGS = { webhook: "webhook", optout: "opt out" };

const phones = document.getElementById("phones");
const ended = document.getElementById("ended");
const template = document.getElementById("phone-template");
const cards = new Map(); // call id -> { card, call, mine, stop }
let speed = 1;

export const setSpeed = (value) => { speed = value; };
export const countRinging = () => phones.querySelectorAll('[data-state="ringing"]').length;

export function clearCalls() {
  for (const held of cards.values()) held.stop?.();
  cards.clear();
  phones.replaceChildren();
  ended.replaceChildren();
}

/** Show this call as it is now. `live` is false for calls from before the page was opened. */
export function showCall(call, live = true) {
  if (call.state === "queued") return;
  const held = cards.get(call.call_id);
  if (!held && call.state === "ended") return addRow(call);
  update(held ?? addCard(call), call, live);
}

function addCard(call) {
  const card = template.content.firstElementChild.cloneNode(true);
  const held = { card, call: { state: "" }, mine: false, stop: null };
  card.dataset.phone = call.to;
  card.dataset.call = call.call_id;
  card.setAttribute("aria-label", `Phone of ${call.name || call.to}`);
  card.querySelector(".name").textContent = call.name || "Unknown";
  card.querySelector(".number").textContent = call.to;
  layOut(card.querySelector(".words"), call.message);
  for (const key of card.querySelectorAll("[data-key]")) prepareKey(key, call, held);
  card.querySelector('[data-action="answer"]').addEventListener("click", () => answer(held));
  card.querySelector('[data-action="hangup"]').addEventListener("click", () => send(held, "hangup"));
  cards.set(call.call_id, held);
  phones.append(card);
  return held;
}

function prepareKey(button, call, held) {
  const meaning = MEANINGS[call.dtmf[button.dataset.key]];
  button.classList.toggle("meant", Boolean(meaning));
  button.querySelector("small").textContent = meaning ?? "";
  button.setAttribute("aria-label", `Key ${button.dataset.key}${meaning ? `, ${meaning}` : ""}`);
  button.addEventListener("click", () => press(held, button.dataset.key));
}

function update(held, call, live) {
  const before = held.call.state;
  const { card } = held;
  held.call = call;
  card.dataset.state = call.state;
  card.querySelector(".state").textContent = describeState(call);
  card.querySelector(".pressed").textContent = call.keys.length ? `Pressed ${call.keys.join(", ")}` : "";
  const answer = card.querySelector('[data-action="answer"]');
  const hangup = card.querySelector('[data-action="hangup"]');
  answer.hidden = call.state !== "ringing";
  hangup.textContent = call.state === "ringing" ? "Decline" : "Hang up";
  hangup.disabled = call.state === "ended";
  const listening = call.state === "answered" && call.amd_result === "human";
  for (const key of card.querySelectorAll("[data-key]")) key.disabled = !listening;
  if (before !== "answered" && call.state === "answered") startTalking(held, live);
  if (before !== "ended" && call.state === "ended") putAway(held);
}

function startTalking(held, live) {
  const words = held.card.querySelector(".words");
  if (!live) return showAll(words);
  const options = { aloud: held.mine, speed: held.mine ? 1 : speed };
  held.stop = say(words, held.call, options);
}

function putAway(held) {
  held.stop?.();
  const { card, call } = held;
  setTimeout(() => {
    if (cards.get(call.call_id) !== held) return;
    cards.delete(call.call_id);
    card.remove();
    addRow(call);
    phones.dispatchEvent(new Event("put-away"));
  }, KEEP_ENDED_CARD_MS);
}

function describeState(call) {
  if (call.state === "ringing") return "Ringing";
  if (call.state === "ended") return OUTCOMES[call.status]?.[0] ?? call.status;
  if (call.amd_result === "machine") return "Voicemail is recording";
  return call.answered_by === "scenario" ? "Answered automatically" : "You are on this call";
}

function addRow(call) {
  if (ended.querySelector(`[data-call="${call.call_id}"]`)) return;
  const [words, colour] = OUTCOMES[call.status] ?? [call.status, ""];
  const row = document.createElement("li");
  row.className = "row";
  Object.assign(row.dataset, { phone: call.to, state: "ended", call: call.call_id });
  row.append(
    make("time", formatTime(call.ended_at)),
    makePair(call.name || "Unknown", call.to),
    make("span", call.keys.length ? `${words} · pressed ${call.keys.join(", ")}` : describeReason(words, call), `chip ${colour}`),
  );
  ended.prepend(row);
  while (ended.children.length > MOST_ROWS) ended.lastElementChild.remove();
}

const describeReason = (words, call) => (call.reason ? `${words}: ${call.reason.replaceAll("_", " ")}` : words);

async function answer(held) {
  held.mine = true; // before the stream reports the answer, so that this page speaks
  await send(held, "answer");
  held.card.focus({ preventScroll: true });
}

async function press(held, digit) {
  held.stop?.();
  showAll(held.card.querySelector(".words"));
  await send(held, "press", { digit });
}

async function send(held, action, body) {
  try {
    update(held, await act(held.call, action, body), true);
  } catch (error) {
    held.card.querySelector(".pressed").textContent = error.message;
  }
}

/** Keys typed on the keyboard go to the phone with the focus, else to the only answered one. */
document.addEventListener("keydown", (event) => {
  if (!/^[0-9*#]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea")) return;
  const answered = [...cards.values()].filter(({ call }) => call.state === "answered" && call.amd_result === "human");
  const focused = answered.find(({ card }) => card.contains(document.activeElement));
  const mine = answered.filter((held) => held.mine);
  const held = focused ?? (mine.length === 1 ? mine[0] : answered.length === 1 ? answered[0] : undefined);
  if (held) press(held, event.key);
});

export function make(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

export function makePair(strong, quiet) {
  const pair = document.createElement("div");
  pair.append(make("strong", strong), document.createElement("br"), make("span", quiet, "number"));
  return pair;
}

/** By the clinic's clock, and as its country writes a time: 2:05:09 pm, or 14:05:09. */
const { zone, region } = document.documentElement.dataset;
const clock = new Intl.DateTimeFormat(`en-${region}`, { timeStyle: "medium", timeZone: zone || undefined });
export const formatTime = (iso) => clock.format(new Date(iso)).replace(/\s/u, " ").toLowerCase();
