// Runs in the head, before the page is painted: the chosen theme, else the system's.
(function () {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    let kept = null;
    try { kept = localStorage.getItem("theme"); } catch { /* no storage in a private window */ }
    return ["light", "dark"].includes(kept) ? kept : null;
  }
  function show(theme) {
    document.documentElement.dataset.bsTheme = theme;
    document.documentElement.dataset.theme = theme; // Django's name for it, on the admin's pages
  }
  function apply() {
    show(chosen() || (system.matches ? "dark" : "light"));
  }
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-toggle-theme]")) return;
    const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", next); } catch { /* no storage in a private window: for this page only */ }
    show(next);
  });
})();
