// Small conveniences for pages that work without them, too.
(function () {
  const body = document.body;

  // Escape closes a menu, and leads back to what opened it.
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      const inside = document.activeElement.closest(MENUS);
      if (inside) inside.querySelector("summary").focus();
      closeMenus();
    }
  });

  // A filter is applied when it is changed; without this script, by its button.
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });

  // A file that would be refused because of its size isn't sent at all.
  document.addEventListener("change", function (event) {
    const field = event.target;
    if (!field.matches("input[type=file][data-largest]")) return;
    const isTooLarge = Array.from(field.files).some((file) => file.size > Number(field.dataset.largest));
    field.setCustomValidity(isTooLarge ? field.dataset.tooLarge : "");
    if (isTooLarge) field.reportValidity();
  });
  document.addEventListener("submit", function (event) {
    const field = event.target.querySelector("input[type=file][data-largest]");
    if (!field || !field.validity.customError) return;
    event.preventDefault();
    field.reportValidity();
  });

  // A list is read before its preview comes, which takes a while: the page says so meanwhile.
  document.addEventListener("submit", function (event) {
    const note = event.target.querySelector("[data-while-sent]");
    const isElse = /^(apply|download)/.test(event.submitter?.name ?? "");
    if (note && !isElse && !event.defaultPrevented) note.hidden = false;
  });
  window.addEventListener("pageshow", function () {
    for (const note of document.querySelectorAll("[data-while-sent]")) note.hidden = true;
  });

  // What was changed on a preview is looked at again before it is imported.
  document.addEventListener("change", function (event) {
    const form = event.target.closest("form[data-preview]");
    if (!form) return;
    for (const button of form.querySelectorAll("button[name=apply]")) button.disabled = true;
    for (const hint of form.querySelectorAll("[data-changed]")) hint.hidden = false;
  });

  // A menu, or the choices of a part of a sentence, close on a click elsewhere.
  const MENUS = "details.menu[open], details.part[open]";
  function closeMenus(except) {
    for (const menu of document.querySelectorAll(MENUS)) {
      if (menu !== except) menu.open = false;
    }
  }
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details")));
  document.addEventListener("toggle", function (event) {
    if (event.target.matches("details.part[open]")) event.target.lastElementChild.scrollIntoView({ block: "nearest" });
  }, true);

  // Messages of success disappear by themselves, unless somebody is about to press what is in them; errors stay
  // until they are closed.
  function hideLater() {
    for (const note of document.querySelectorAll("[data-fades]")) {
      note.removeAttribute("data-fades");
      fade(note);
    }
  }
  function fade(note) {
    setTimeout(() => {
      if (note.matches(":hover") || note.contains(document.activeElement)) fade(note);
      else note.remove();
    }, 8000);
  }
  hideLater();
  body.addEventListener("htmx:oobAfterSwap", hideLater);
  document.addEventListener("click", function (event) {
    const close = event.target.closest("[data-close-note]");
    if (close) close.closest(".note").remove();
  });

  // A page in a hidden tab doesn't poll.
  body.addEventListener("htmx:beforeRequest", function (event) {
    if (document.hidden && event.detail.elt.matches("[data-live]")) event.preventDefault();
  });

  // A booking that was begun (booking.js) is forgotten once it is made, and when somebody logs out.
  function forgetBookings() {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith("booking")) sessionStorage.removeItem(key);
  }
  const isSignedIn = document.querySelector("form[action$='logout/']");
  if (isSignedIn && sessionStorage.getItem("booking-sent")) {
    if (document.querySelector("form[data-draft]")) sessionStorage.removeItem("booking-sent");
    else forgetBookings();
  }
  document.addEventListener("submit", (event) => { if (event.target.matches("form[action$='logout/']")) forgetBookings(); });

  // Show "not connected" when polling fails.
  const lost = (event) => { if (event.detail.elt.matches("[data-live]")) body.classList.add("not-live"); };
  body.addEventListener("htmx:sendError", lost);
  body.addEventListener("htmx:timeout", lost);
  body.addEventListener("htmx:responseError", function (event) {
    // The role was taken away, or somebody else has logged in: the page that loads now says so.
    if (event.detail.xhr.status === 403) window.location.reload();
    else lost(event);
  });
  body.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.xhr && event.detail.xhr.status && event.detail.xhr.status < 400) body.classList.remove("not-live");
  });

  // An open <details> stays open when the page refreshes itself, and what is being typed stays as it is.
  if (window.Idiomorph) {
    Object.defineProperty(Idiomorph.defaults, "ignoreActiveValue", {
      enumerable: true,
      // of anything but a field it would keep the words, such as those of a part that has just been changed
      get: () => document.activeElement.matches("input, select, textarea"),
    });
    const keepOpen = (name, element) => !(name === "open" && element.matches("details"));
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = keepOpen;
  }
})();
