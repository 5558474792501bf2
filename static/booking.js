// The forms to book and to move: a free time is taken by one press, and what was filled in outlives the session.
(function () {
  // A free time, or another day, goes into the fields; without this script the button sends the form.
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button[data-day]");
    if (!button || !button.form) return;
    event.preventDefault();
    const fields = button.form.elements;
    fields.day.value = button.dataset.day;
    if (button.dataset.at) fields.at.value = button.dataset.at;
    fields.day.dispatchEvent(new Event("change", { bubbles: true }));
    markPressed();
    const isBelow = button.dataset.at && button.getBoundingClientRect().left < fields.at.getBoundingClientRect().right;
    if (isBelow) fields.at.scrollIntoView({ block: "center" });
  });

  function markPressed() {
    for (const button of document.querySelectorAll(".free-slots button")) {
      const { day, at } = button.form.elements;
      button.setAttribute("aria-pressed", button.dataset.day === day.value && button.dataset.at === at.value);
    }
  }
  markPressed();
  document.addEventListener("htmx:afterSettle", markPressed);

  // What is half filled in is kept in this tab, for this person alone, and comes back after a new login.
  // callboard.js forgets it when somebody logs out, and when the booking is made.
  const form = document.querySelector("form[data-draft]");
  if (!form) return;
  const KEY = "booking:" + form.dataset.draft;
  const NAMES = ["location", "provider", "day", "at", "minutes", "kind", "weeks"];

  function read() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY)) || null;
    } catch {
      return null;
    }
  }
  function keep() {
    const draft = {};
    for (const name of NAMES) draft[name] = form.elements[name] ? form.elements[name].value : "";
    const chosen = form.querySelector("input[name=contact][type=hidden], input[name=contact]:checked");
    draft.contact = chosen ? chosen.value : "";
    draft.also = Array.from(form.querySelectorAll("input[name=also]:checked"), (box) => box.value);
    sessionStorage.setItem(KEY, JSON.stringify(draft));
  }

  // An address that asks for another visit than the one that was begun means another visit.
  const asked = new URLSearchParams(location.search);
  const isSame = (draft) => [...NAMES, "contact"].every((name) => {
    return !asked.has(name) || asked.get(name) === draft[name] || (name === "contact" && !draft.contact);
  });
  const isUntouched = !form.querySelector(".field-error, .note-error");
  const draft = read();
  if (draft && isUntouched && isSame(draft)) restore(draft);
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  // A double click sends the form once; what comes twice all the same is known to the server.
  const ONE_CLICK = 2000;
  let sentAt = -ONE_CLICK;
  document.addEventListener("submit", function (event) {
    if (event.target !== form) return;
    if (event.timeStamp - sentAt < ONE_CLICK) {
      event.preventDefault();
      return;
    }
    sentAt = event.timeStamp;
    sessionStorage.setItem("booking-sent", "yes");
  });
  document.addEventListener("click", function (event) {
    const again = event.target.closest("[data-forget-draft], [data-leave-draft]");
    if (!again) return;
    sessionStorage.removeItem(KEY);
    if (again.dataset.forgetDraft) location.assign(again.dataset.forgetDraft);
  });

  function restore(draft) {
    let isOther = false;
    for (const name of NAMES) {
      const field = form.elements[name];
      if (!field || !draft[name] || field.value === draft[name]) continue;
      field.value = draft[name];
      isOther = true;
    }
    const hasContact = form.querySelector("input[name=contact]");
    if (draft.contact && !hasContact) {
      isOther = true;
      htmx.ajax("POST", form.dataset.offer, { target: "#offered", values: { chosen: draft.contact } })
        .then(() => form.elements.day.dispatchEvent(new Event("change", { bubbles: true })));
    } else if (isOther) {
      form.elements.day.dispatchEvent(new Event("change", { bubbles: true }));
    }
    // The household is offered once the patient is chosen, which may be a moment later.
    const wanted = new Set(draft.also);
    function tickHousehold() {
      for (const box of form.querySelectorAll("input[name=also]")) {
        if (!wanted.delete(box.value) || box.checked) continue;
        box.checked = true;
        box.dispatchEvent(new Event("change", { bubbles: true }));
        document.getElementById("restored").hidden = false;
      }
    }
    tickHousehold();
    document.addEventListener("htmx:afterSettle", tickHousehold);
    if (isOther) document.getElementById("restored").hidden = false;
  }
})();
