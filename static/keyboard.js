// Lists by keyboard: j and k walk the rows, a letter does what its button does, u undoes, ? shows the letters.
//
// A list has data-keys, a selector of its rows. In a row, what has data-key="a" is pressed by "a". Where
// data-keys-open says "o: x:cancel/", "o" opens the row's first link, and "x" what is at "cancel/" under it.
(function () {
  const FIELDS = "input, textarea, select, [contenteditable], dialog[open]";

  const isShown = (row) => row.getClientRects().length > 0;
  const linkOf = (row) => row.querySelector("a[href]");
  const listNow = () => document.activeElement.closest("[data-keys]") || document.querySelector("[data-keys]");
  const rowNow = (list) => document.activeElement.closest(list.dataset.keys);

  function walk(list, step) {
    const rows = Array.from(list.querySelectorAll(list.dataset.keys)).filter(isShown);
    const at = rows.indexOf(rowNow(list));
    const start = rows.findIndex((row) => row.previousElementSibling?.classList.contains("now"));
    const row = at < 0 ? rows[Math.max(start, 0)] : rows[at + step];
    if (!row) return;
    linkOf(row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function press(list, key) {
    const row = rowNow(list);
    if (!row) return false;
    const button = row.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (button) { button.click(); return true; }
    const opens = (list.dataset.keysOpen || "").split(" ").find((part) => part.startsWith(`${key}:`));
    if (opens) window.location.assign(linkOf(row).href + opens.slice(2));
    return Boolean(opens);
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !"jk".includes(event.key)) return;
    if (event.target.closest(FIELDS) || document.querySelector("dialog[open]")) return;
    const help = document.getElementById("keys-help");
    if (event.key === "?" && help) { event.preventDefault(); help.showModal(); return; }
    const list = listNow();
    if (!list || event.key.length !== 1) return;
    const undo = document.querySelector("[data-undo]");
    if (event.key === "u" && undo) { event.preventDefault(); undo.click(); return; }
    if (event.key === "j" || event.key === "k") { event.preventDefault(); walk(list, event.key === "j" ? 1 : -1); }
    else if (press(list, event.key)) event.preventDefault();
  });
})();
