// The dialog that finds anything: opened by Ctrl-K (Cmd-K) or /, used by the arrow keys and Enter.
(function () {
  const dialog = document.getElementById("find-dialog");
  if (!dialog) return;
  const input = dialog.querySelector("input[name=q]");
  const list = document.getElementById("find-found");
  let before = null;
  let asked = null; // the text of the last request
  let listed = null; // the text that the list is of
  let goOn = false; // Enter was pressed before the list was there

  function open() {
    if (dialog.open) return;
    before = document.activeElement;
    dialog.showModal();
    input.select();
    input.dispatchEvent(new Event("find:open"));
  }

  const options = () => Array.from(list.querySelectorAll("a[role=option]"));
  const chosen = () => list.querySelector("[aria-selected=true]");

  function choose(option) {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    if (!option) { input.removeAttribute("aria-activedescendant"); return; }
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", function (event) {
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    const isShortcut = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    const isSlash = event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (isShortcut || isSlash) { event.preventDefault(); open(); }
  });

  input.addEventListener("keydown", function (event) {
    const all = options();
    const at = all.indexOf(chosen());
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      choose(all[(at + step + all.length) % all.length]);
    }
    if (event.key === "Enter" && listed !== input.value) { // the list is of what stood there before
      event.preventDefault();
      goOn = true;
      input.dispatchEvent(new Event("find:open"));
    } else if (event.key === "Enter" && all.length) {
      event.preventDefault();
      (chosen() || all[0]).click();
    }
  });

  input.addEventListener("input", () => { goOn = false; });
  input.addEventListener("htmx:beforeRequest", () => { asked = input.value; });
  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    input.addEventListener(failure, () => { if (goOn) input.form.submit(); });
  }
  list.addEventListener("htmx:afterSwap", function () {
    listed = asked;
    choose(options()[0]);
    if (!goOn || listed !== input.value) return;
    goOn = false;
    if (chosen()) chosen().click();
    else input.form.submit();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { if (before) before.focus(); });
  for (const opener of document.querySelectorAll("[data-find]")) {
    opener.addEventListener("click", function (event) {
      event.preventDefault(); // without this script its link leads to the same as a page
      open();
    });
  }
})();
