// Names for what Django's admin leaves without one: the fields of a table, of a date with a time, and what scrolls.
(function () {
  const wordsOf = (element) => (element ? element.textContent.trim() : "");
  const FIELDS = "input:not([type=hidden]), select, textarea";

  function name(field, words) {
    const isNamed = field.labels?.length || field.hasAttribute("aria-label") || field.hasAttribute("aria-labelledby");
    if (words && !isNamed) field.setAttribute("aria-label", words);
  }

  function nameAll() {
    for (const table of document.querySelectorAll(".tabular table")) {
      const heads = Array.from(table.querySelectorAll("thead th"), wordsOf);
      for (const row of table.tBodies[0].rows) {
        for (const field of row.querySelectorAll(FIELDS)) name(field, heads[field.closest("td").cellIndex]);
      }
      // a column without a head has only what its row stands for
      for (const head of table.querySelectorAll("thead th:empty")) {
        head.replaceWith(Object.assign(document.createElement("td"), { className: head.className }));
      }
    }
    for (const group of document.querySelectorAll(".inline-group, #changelist .results")) {
      group.tabIndex = 0;
      group.setAttribute("role", "region");
      group.setAttribute("aria-label", wordsOf(group.querySelector("h2")) || document.querySelector("h1").textContent.trim());
    }
    // the two fields of a moment, and whatever else stands in a row whose words belong to another field
    for (const row of document.querySelectorAll(".form-row")) {
      const words = wordsOf(row.querySelector("label, legend")).replace(/:$/, "");
      for (const field of row.querySelectorAll(FIELDS)) {
        name(field, `${words}, ${wordsOf(field.previousSibling)}`.replace(/[:,\s]+$/, ""));
      }
    }
    for (const help of document.querySelectorAll("span.help-tooltip[aria-label]")) help.setAttribute("role", "img");
  }

  window.addEventListener("load", nameAll);
  document.addEventListener("formset:added", nameAll);
})();
