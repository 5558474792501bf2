/* The page of phones: reads everything once, then follows the sandbox's event stream. */

import { behave, readAll, setFaults } from "./control.js";
import { countRinging, clearCalls, setSpeed, showCall } from "./phone-cards.js";
import { isMuted, setMuted } from "./speech.js";
import { clearTextsAndPosts, showPost, showText } from "./texts-and-posts.js";

const find = (id) => document.getElementById(id);
let callIds = new Set();
let reading = null;
let queued = []; // messages of the stream received while everything was being read

async function resync() {
  queued = [];
  reading = readAll();
  const all = await reading;
  clearCalls();
  clearTextsAndPosts();
  callIds = new Set();
  const byEnd = (one, other) => (one.ended_at ?? "").localeCompare(other.ended_at ?? "");
  for (const call of all.calls.toSorted(byEnd)) takeCall(call, false);
  all.texts.forEach(showText);
  all.posts.forEach(showPost);
  showFaults(all.faults);
  showBehaviour(all.behaviour);
  reading = null;
  for (const [take, data] of queued.splice(0)) take(data);
  refresh();
}

function takeCall(call, live = true) {
  callIds.add(call.call_id);
  showCall(call, live);
}

function follow() {
  const stream = new EventSource("/sandbox/stream");
  const on = (kind, take) => stream.addEventListener(kind, (event) => {
    const data = JSON.parse(event.data);
    if (reading) return queued.push([take, data]);
    take(data);
    refresh();
  });
  on("call", takeCall);
  on("sms", showText);
  on("post", showPost);
  on("faults", showFaults);
  on("behaviour", showBehaviour);
  stream.addEventListener("resync", resync);
  stream.addEventListener("open", resync);
  stream.addEventListener("error", () => {
    find("counts").textContent = "No connection to the sandbox. Trying again…";
    find("counts").classList.add("lost");
  });
}

function refresh() {
  const ringing = countRinging();
  const calls = callIds.size;
  find("counts").classList.remove("lost");
  find("counts").textContent = `${ringing} ringing · ${calls} ${calls === 1 ? "call" : "calls"}`;
  document.title = ringing ? `(${ringing}) Phones · Robotalker sandbox` : "Phones · Robotalker sandbox";
  find("no-phones").hidden = find("phones").children.length > 0;
  find("no-ended").hidden = find("ended").children.length > 0;
  find("no-threads").hidden = find("threads").children.length > 0;
  find("no-posts").hidden = find("posts").children.length > 0;
}

function showFaults(faults) {
  const kinds = new Set(faults.map((fault) => fault.kind));
  for (const toggle of document.querySelectorAll("[data-fault]")) setPressed(toggle, kinds.has(toggle.dataset.fault));
  find("fault-count").textContent = kinds.size ? `${kinds.size} on` : "none on";
}

function showBehaviour(behaviour) {
  setPressed(find("attended"), behaviour.attended);
  setSpeed(behaviour.speed);
  const speed = find("speed");
  const value = String(behaviour.speed);
  if (![...speed.options].some((option) => option.value === value)) speed.add(new Option(`${value}×`, value));
  speed.value = value;
}

const setPressed = (toggle, pressed) => toggle.setAttribute("aria-pressed", String(pressed));
const isPressed = (toggle) => toggle.getAttribute("aria-pressed") === "true";

function listenToSwitches() {
  setPressed(find("sound"), !isMuted());
  find("sound").addEventListener("click", () => {
    setMuted(!isMuted());
    setPressed(find("sound"), !isMuted());
  });
  find("attended").addEventListener("click", () => behave({ attended: !isPressed(find("attended")) }));
  find("speed").addEventListener("change", () => behave({ speed: Number(find("speed").value) }));
  find("phones").addEventListener("put-away", refresh);
  for (const toggle of document.querySelectorAll("[data-fault]")) {
    toggle.addEventListener("click", () => {
      setPressed(toggle, !isPressed(toggle));
      const on = [...document.querySelectorAll("[data-fault]")].filter(isPressed);
      setFaults(on.map((item) => item.dataset.fault));
    });
  }
}

listenToSwitches();
follow();
