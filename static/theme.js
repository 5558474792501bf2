// Runs in the head, before the page is painted: the chosen theme, else the system's.
(function () {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    try { return localStorage.getItem("theme"); } catch { return null; }
  }
  function apply() {
    document.documentElement.dataset.bsTheme = chosen() || (system.matches ? "dark" : "light");
  }
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-toggle-theme]")) return;
    const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", next); } catch { /* no storage in a private window: for this page only */ }
    document.documentElement.dataset.bsTheme = next;
  });
})();
