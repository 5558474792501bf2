// The page to try the API: Swagger UI over our own description, from this site only. The token is kept in the
// page's memory, and is gone when it is closed.
"use strict";

// Swagger UI has a class of its own for the dark theme; theme.js, before it, has chosen which.
function followTheme() {
  const root = document.documentElement;
  root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
}
followTheme();
new MutationObserver(followTheme).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

SwaggerUIBundle({
  url: document.getElementById("api").dataset.description,
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
});
