// Small comforts on top of pages that work without them.
(function () {
  const body = document.body;

  // Ctrl-K (Cmd-K) goes to the search.
  document.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      const search = document.getElementById("search");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    }
    if (event.key === "Escape") closeMenus();
  });

  // A choice in a filter is applied at once; without this script its button does it.
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });

  // A menu closes when something else is pressed.
  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  }
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));

  // What went well fades by itself; what was refused stays until it is closed.
  function letFade() {
    for (const note of document.querySelectorAll("[data-fades]")) {
      note.removeAttribute("data-fades");
      setTimeout(() => note.remove(), 8000);
    }
  }
  letFade();
  body.addEventListener("htmx:oobAfterSwap", letFade);
  document.addEventListener("click", function (event) {
    const close = event.target.closest("[data-close-note]");
    if (close) close.closest(".note").remove();
  });

  // Nobody looks at a hidden page, so it asks nothing.
  body.addEventListener("htmx:beforeRequest", function (event) {
    if (document.hidden && event.detail.elt.matches("[data-live]")) event.preventDefault();
  });

  // When the session is over, the login page must not land in the middle of a list.
  body.addEventListener("htmx:beforeSwap", function (event) {
    const address = event.detail.xhr.responseURL;
    if (address && new URL(address).pathname === body.dataset.login) {
      event.detail.shouldSwap = false;
      window.location.reload();
    }
  });

  // A page that no longer hears from the server says so.
  const lost = (event) => { if (event.detail.elt.matches("[data-live]")) body.classList.add("not-live"); };
  body.addEventListener("htmx:sendError", lost);
  body.addEventListener("htmx:timeout", lost);
  body.addEventListener("htmx:responseError", lost);
  body.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.xhr && event.detail.xhr.status && event.detail.xhr.status < 400) body.classList.remove("not-live");
  });

  // What a person has unfolded stays unfolded when the page renews itself.
  if (window.Idiomorph) {
    const keepOpen = (name, element) => !(name === "open" && element.matches("details"));
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = keepOpen;
  }
})();
