// A shared desk: the page gives way to the lock when nobody is there, and what was half filled in comes back.
(function () {
  const body = document.body;
  const { person, idle: seconds, token, login, lock, lockState } = document.currentScript.dataset;
  const PREFIX = "kept:" + person + ":";
  const KEY = PREFIX + location.pathname;
  // A form that came back with what is wrong says at which address it will be shown again; all of it is kept.
  const keyOf = (form) => (form.dataset.keptAt ? PREFIX + form.dataset.keptAt : KEY);

  // --- what is half filled in: kept in this tab under the person's id, never shown to another person
  const listForms = () => Array.from(document.querySelectorAll("form:not([data-not-kept], [data-draft], [method=get])"));
  const listFields = (form) => Array.from(form.elements).filter((field) => field.name && !["hidden", "password", "file", "submit", "button"].includes(field.type));
  const nameForm = (form) => (form.getAttribute("action") || form.getAttribute("hx-post") || "") + "#" + form.id;

  function isChanged(field) {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) return Array.from(field.options).some((option) => option.selected !== option.defaultSelected);
    return field.value !== field.defaultValue;
  }
  function keepForms() {
    const kept = {};
    for (const form of listForms()) {
      const fields = listFields(form).filter((field) => form.dataset.keptAt || isChanged(field));
      const values = fields.map((field) => [field.name, field.value, field.type === "checkbox" || field.type === "radio" ? field.checked : null]);
      if (values.length) (kept[keyOf(form)] ??= []).push([nameForm(form), values]);
    }
    for (const key of Object.keys(kept)) sessionStorage.setItem(key, JSON.stringify(kept[key]));
  }
  function restoreForms() {
    let kept;
    try {
      kept = JSON.parse(sessionStorage.getItem(KEY)) || [];
    } catch {
      kept = [];
    }
    const left = kept.filter(([name, values]) => {
      const form = listForms().find((one) => nameForm(one) === name);
      if (form) values.forEach((value) => restoreField(form, value));
      return !form;
    });
    if (left.length === kept.length) return;
    if (left.length) sessionStorage.setItem(KEY, JSON.stringify(left));
    else sessionStorage.removeItem(KEY);
    const note = document.getElementById("form-restored");
    if (note) note.hidden = false;
  }
  function restoreField(form, [name, value, isChecked]) {
    for (const field of listFields(form).filter((one) => one.name === name)) {
      if (isChecked === null) field.value = value;
      else if (field.value === value) field.checked = isChecked;
      else continue;
      for (let parent = field.closest("details"); parent; parent = parent.parentElement.closest("details")) parent.open = true;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
  restoreForms();
  document.addEventListener("htmx:afterSettle", restoreForms);
  document.addEventListener("submit", function (event) {
    if (event.target.matches("form[action$='logout/']")) {
      for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
    } else if (event.target.matches("form[action$='locked/now/']")) {
      keepForms();
    }
  });

  // --- the lock
  // "Back" may bring a page out of the browser's memory, of somebody who has left: the server says what is shown now.
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    body.classList.add("covered");
    keepForms();
    location.reload();
  });
  function leave() {
    body.classList.add("covered");
    keepForms();
    location.replace(lock + "?next=" + encodeURIComponent(location.pathname + location.search));
  }
  // The server refuses because the desk is locked, or because nobody is logged in any more.
  document.addEventListener("htmx:beforeSwap", function (event) {
    const { xhr } = event.detail;
    const isLogin = xhr.responseURL && new URL(xhr.responseURL).pathname === login;
    if (xhr.status !== 401 && !isLogin) return;
    event.detail.shouldSwap = false;
    leave();
  });

  const idle = Number(seconds) * 1000;
  if (!idle) return;
  const EVERY = Math.min(idle / 4, 60000);
  let lastInput = Date.now();
  let lastTold = Date.now();

  async function ask(method) {
    try {
      const answer = await fetch(lockState, { method, headers: { "X-CSRFToken": token } });
      if (answer.ok && (await answer.json()).left <= 0) leave();
      else if (answer.ok) body.classList.remove("covered");
    } catch {
      // not connected: the page stays as it is, covered if it was
    }
  }
  function isLong() {
    return Date.now() - lastInput >= idle;
  }
  function noteInput() {
    if (isLong()) return look();
    lastInput = Date.now();
    if (lastInput - lastTold < EVERY) return;
    lastTold = lastInput;
    ask("POST");
  }
  function look() {
    if (!isLong()) return;
    body.classList.add("covered");
    ask("GET").then(() => {
      // somebody is busy in another tab: look again soon
      if (!body.classList.contains("covered")) lastInput = Date.now() - idle + EVERY;
    });
  }
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(kind, noteInput, { passive: true, capture: true });
  }
  setInterval(look, Math.min(EVERY, 15000));
  document.addEventListener("visibilitychange", look);
})();
