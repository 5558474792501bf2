// Today: says what the page has already, opens at the present, shows a visit beside the list, prints.
(function () {
  const wide = window.matchMedia("(min-width: 1280px)");
  const peek = () => document.getElementById("peek");
  let shown = "";
  let waiting = 0;

  document.body.addEventListener("htmx:configRequest", function (event) {
    const seen = document.getElementById("day-seen");
    if (seen && event.detail.elt.closest("#day-live, .day-list, #messages")) event.detail.headers["X-Day-Seen"] = seen.dataset.seen;
  });

  const now = document.querySelector(".now");
  if (now && !window.location.hash) now.scrollIntoView({ block: "center" });

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  function load() {
    htmx.ajax("GET", `${shown}peek/`, { target: "#peek", swap: "innerHTML" });
  }

  function show(link) {
    if (shown === link.href || !peek()) return;
    shown = link.href;
    document.querySelector(".row-line.is-shown")?.classList.remove("is-shown");
    link.closest(".row-line").classList.add("is-shown");
    load();
  }

  // What is shown beside the list changes with its row.
  document.body.addEventListener("htmx:oobAfterSwap", function (event) {
    const row = shown && document.querySelector(`.row-who a[href="${CSS.escape(new URL(shown).pathname)}"]`)?.closest(".row-line");
    if (row && event.detail.target.id === row.id) {
      row.classList.add("is-shown");
      clearTimeout(waiting);
      waiting = setTimeout(load, 100);
    }
  });

  // The row under the pointer or with the focus stays where it is, whatever becomes of the rows above it: none
  // gets lower before the hand has left, and one that gets higher moves the page instead.
  let rested = null;
  let height = 0;
  document.body.addEventListener("htmx:beforeSwap", function () {
    const row = document.querySelector(".row-line:is(:hover, :focus-within)");
    rested = row && { id: row.id, top: row.getBoundingClientRect().top };
  });
  document.body.addEventListener("htmx:oobBeforeSwap", function (event) {
    height = event.detail.target.getBoundingClientRect().height;
  });
  document.body.addEventListener("htmx:oobAfterSwap", function (event) {
    const row = rested && document.getElementById(event.detail.target.id);
    if (row && row.matches(".row-line")) row.style.minHeight = `${height}px`;
  });
  document.body.addEventListener("htmx:afterOnLoad", function () {
    const row = rested && document.getElementById(rested.id);
    if (row) window.scrollBy({ top: row.getBoundingClientRect().top - rested.top, behavior: "instant" });
    rested = null;
  });
  function letGo(event) {
    const list = event.target.closest(".rows");
    if (!list || list.contains(event.relatedTarget) || list.matches(":is(:hover, :focus-within)")) return;
    for (const row of list.querySelectorAll(".row-line[style]")) row.style.removeProperty("min-height");
  }
  document.addEventListener("mouseout", letGo);
  document.addEventListener("focusout", letGo);

  function close() {
    document.querySelector(".row-line.is-shown")?.classList.remove("is-shown");
    peek().replaceChildren();
    const path = shown && new URL(shown).pathname;
    shown = "";
    if (path) document.querySelector(`.row-who a[href="${CSS.escape(path)}"]`)?.focus({ preventScroll: true });
  }

  // A click shows the visit beside the list, a second one opens it; Enter opens it at once.
  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-peek-close]")) { close(); return; }
    const link = event.target.closest(".row-who a");
    const isPlain = link && event.detail > 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (!isPlain || !wide.matches || !peek() || shown === link.href) return;
    event.preventDefault();
    show(link);
  });
  document.addEventListener("focusin", function (event) {
    const row = event.target.closest(".row-line");
    clearTimeout(waiting);
    if (row && wide.matches && event.target.matches(":focus-visible")) {
      waiting = setTimeout(() => show(row.querySelector(".row-who a")), 200);
    }
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && event.target.closest("#peek")) close();
  });
})();
