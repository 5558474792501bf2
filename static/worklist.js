// The worklist keeps itself up to date, and moves nothing while a hand is on it: while the pointer or the focus
// rests in the list, new entries wait behind a line and closed ones stay where they are, marked.
(function () {
  const board = document.getElementById("worklist");
  if (!board) return;
  const list = board.querySelector("[data-entries]");
  const news = board.querySelector("[data-show-new]");
  const toast = document.getElementById("worklist-toast");
  const more = document.getElementById("entry-more");
  const EVERY = 4000;
  const DOUBLE = { ms: 500, pixels: 8 }; // how near two clicks are to each other that are one double click
  const waiting = new Map(); // key of an entry: its element, as it will be shown
  let order = null; // the keys as they will be shown; null while nothing waits
  let pointerRests = false;
  const underWay = new Set(); // the entries about which a deed is, and the deeds that are being undone
  let lastClick = { timeStamp: -Infinity };
  let isSecondClick = false; // whether the press that is being answered is the second of a double click
  let sentPlainly = null; // the form that is sent without this script

  const rows = () => Array.from(list.querySelectorAll(":scope > [data-entry]"));
  const findRow = (key) => rows().find((row) => row.dataset.entry === key);
  // The line that shows new entries is part of it: on the way there, nothing moves.
  const handRests = () => pointerRests || board.contains(document.activeElement) || more.open;

  function headers() {
    return { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) };
  }

  async function ask(address, body) {
    const answer = await fetch(address, { method: body ? "POST" : "GET", body, headers: headers() });
    if (new URL(answer.url).pathname === document.body.dataset.login || answer.status === 403) {
      window.location.reload();
      throw new Error("logged out");
    }
    if (!answer.ok) throw new Error(answer.statusText);
    document.body.classList.remove("not-live");
    return answer;
  }

  function read(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    return holder.content;
  }

  // --- keeping up to date ---
  async function poll() {
    if (!document.hidden) {
      try {
        await look();
      } catch {
        document.body.classList.add("not-live");
      }
    }
    setTimeout(poll, EVERY);
  }

  async function look() {
    const have = new Map(rows().map((row) => [row.dataset.entry, row.dataset.version]));
    for (const [key, row] of waiting) have.set(key, row.dataset.version);
    const body = new FormData();
    body.set("version", board.dataset.version);
    body.set("show", board.dataset.show);
    body.set("kind", board.dataset.kind);
    body.set("have", Array.from(have, ([key, version]) => `${key}.${version}`).join(" "));
    const answer = await ask(board.dataset.address, body);
    if (answer.status !== 204) receive(read(await answer.text()).firstElementChild);
  }

  function receive(changes) {
    board.dataset.version = changes.dataset.version;
    order = changes.dataset.order ? changes.dataset.order.split(" ") : [];
    board.querySelector("[data-views]").replaceChildren(changes.querySelector("[data-views]").content);
    const leftOff = board.querySelector("[data-left-off]");
    leftOff.replaceChildren(changes.querySelector("[data-left-off]").content);
    leftOff.hidden = !leftOff.textContent.trim();
    for (const one of changes.querySelectorAll("template[data-changed]")) {
      const row = one.content.querySelector("[data-entry]");
      waiting.set(row.dataset.entry, row);
      const shown = findRow(row.dataset.entry);
      if (shown) sayHolder(shown, row.querySelector("[data-holder]").innerHTML);
    }
    for (const one of changes.querySelectorAll("template[data-gone]")) {
      waiting.delete(one.dataset.gone);
      mark(findRow(one.dataset.gone), one.innerHTML.trim());
    }
    if (handRests()) tell();
    else applyIfFree();
  }

  // Who has it is said at once, where that takes no more room.
  function sayHolder(row, words) {
    const place = row.querySelector("[data-holder]");
    const before = place.innerHTML;
    const height = row.offsetHeight;
    place.innerHTML = words;
    if (row.offsetHeight !== height) place.innerHTML = before;
  }

  function mark(row, why) {
    if (!row || row.classList.contains("is-gone")) return;
    row.classList.add("is-gone");
    for (const button of row.querySelectorAll(".follow-up-deeds button")) button.disabled = true;
    const words = document.createElement("p");
    words.className = "follow-up-gone";
    words.innerHTML = why;
    row.append(words);
  }

  function tell() {
    const shown = new Set(rows().map((row) => row.dataset.entry));
    const count = (order || []).filter((key) => !shown.has(key)).length;
    news.textContent = count === 1 ? news.dataset.one : news.dataset.many.replace("%s", count);
    news.hidden = !count;
  }

  function apply() {
    if (order === null) return;
    const present = new Map(rows().map((row) => [row.dataset.entry, row]));
    const next = order.map((key) => waiting.get(key) || present.get(key)).filter(Boolean);
    list.replaceChildren(...next);
    list.hidden = !next.length;
    board.querySelector("[data-empty]").hidden = next.length > 0;
    waiting.clear();
    order = null;
    news.hidden = true;
  }

  function applyIfFree() {
    if (handRests()) return;
    for (const place of list.querySelectorAll(".is-place")) place.remove();
    for (const latest of list.querySelectorAll(".follow-up-latest[hidden]")) latest.hidden = false;
    apply();
  }
  board.addEventListener("pointermove", (event) => { pointerRests = event.pointerType !== "touch"; });
  board.addEventListener("pointerleave", () => { pointerRests = false; applyIfFree(); });
  board.addEventListener("focusout", () => setTimeout(applyIfFree));
  news.addEventListener("click", () => { apply(); if (list.firstElementChild) list.firstElementChild.focus(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look().catch(() => {}); });

  // --- deeds ---
  // The first click of two changes the list; the second one does nothing, whatever lies under it by then.
  document.addEventListener("click", function (event) {
    const isSoon = event.timeStamp - lastClick.timeStamp < DOUBLE.ms;
    const isNear = Math.hypot(event.clientX - lastClick.clientX, event.clientY - lastClick.clientY) < DOUBLE.pixels;
    isSecondClick = event.detail > 0 && isSoon && isNear; // 0: by a key
    if (event.detail > 0) lastClick = event;
    setTimeout(() => { isSecondClick = false; });
  }, true);

  document.addEventListener("submit", function (event) {
    const form = event.target.closest("form[data-deed]");
    if (!form || form === sentPlainly) return;
    event.preventDefault();
    const button = event.submitter;
    const about = form.closest("[data-entry]")?.dataset.entry ?? form.elements.act?.value;
    if (isSecondClick || underWay.has(about)) return;
    underWay.add(about);
    act(form, button)
      .catch(() => sendPlainly(form, button))
      .finally(() => underWay.delete(about));
  });

  // As a browser without this script sends it, with the button that was pressed: else another deed is done.
  function sendPlainly(form, button) {
    if (!form.isConnected || (button && !form.contains(button))) return window.location.reload();
    sentPlainly = form;
    form.requestSubmit(button);
    sentPlainly = null;
  }

  async function act(form, button) {
    const address = button && button.hasAttribute("formaction") ? button.formAction : form.action;
    const inToast = toast.contains(form);
    const inList = list.contains(form) || more.contains(form);
    const answer = read(await (await ask(address, new FormData(form, button))).text());
    if (more.contains(form)) more.close();
    const now = answer.querySelector("template[data-entry-now]");
    if (now) put(now.content.querySelector("[data-entry]"), inList, button);
    showToast(answer.querySelector("template[data-toast]").content, inToast);
    look().catch(() => {});
  }

  // The entry as it is now takes the place of what it was, and as much room, so that nothing below it moves.
  function put(row, inList, button) {
    const shown = findRow(row.dataset.entry);
    if (!shown) return;
    for (const one of row.matches(".is-gone") ? row.querySelectorAll(".follow-up-deeds button") : []) one.disabled = true;
    const height = shown.offsetHeight;
    row.style.minHeight = `${height}px`;
    if (button) keepPlace(row, button);
    shown.replaceWith(row);
    const latest = row.querySelector(".follow-up-latest");
    if (latest && handRests() && row.offsetHeight > height) latest.hidden = true; // shown once the hand is gone
    waiting.delete(row.dataset.entry);
    if (inList) row.focus({ preventScroll: true });
  }

  // A button that was pressed and is offered no more leaves its room, so that no other slides under the hand.
  function keepPlace(row, button) {
    const deeds = row.querySelector(".follow-up-all");
    if (!deeds || !button.form || !list.contains(button)) return;
    const said = (one) => `${one.getAttribute("formaction")} ${one.name} ${one.value}`;
    const goes = !Array.from(deeds.elements).some((one) => said(one) === said(button));
    Array.from(button.form.children).forEach((child, index) => {
      if (!child.matches(".is-place") && !(goes && child === button)) return;
      const place = document.createElement("span");
      place.className = "is-place";
      place.style.width = `${child.getBoundingClientRect().width}px`;
      deeds.insertBefore(place, deeds.children[index]);
    });
  }

  let leaves;
  let later = null; // what the toast will say once the pointer has left its Undo
  function showToast(content, wasPressed = false) {
    later = !wasPressed && toast.matches(":hover") && toast.querySelector("[data-undo]") ? content : null;
    if (later) return;
    clearTimeout(leaves);
    toast.replaceChildren(content);
    leave();
  }
  function leave() {
    if (toast.querySelector("[data-leaves]")) leaves = setTimeout(() => {
      if (toast.matches(":hover") || toast.contains(document.activeElement)) leave();
      else toast.replaceChildren();
    }, 12000);
  }
  toast.addEventListener("click", (event) => { if (event.target.closest("[data-close-toast]")) toast.replaceChildren(); });
  toast.addEventListener("pointerleave", () => { if (later) showToast(later); });
  leave();

  // --- more about one entry ---
  let opener;
  document.addEventListener("click", async function (event) {
    const link = event.target.closest("a[data-more]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      opener = link;
      try {
        more.innerHTML = await (await ask(link.href)).text();
        more.dataset.entry = link.closest("[data-entry]").dataset.entry;
        more.showModal();
      } catch {
        window.location.assign(link.href);
      }
    } else if (event.target === more || event.target.closest("[data-close-more]")) {
      more.close();
    }
  });
  more.addEventListener("close", () => { if (opener && opener.isConnected) opener.focus(); applyIfFree(); });

  setTimeout(poll, EVERY);
})();
