// The page to try the API: Swagger UI over our own description, from this site only. The token is kept in the
// page's memory, and is gone when it is closed.
"use strict";

SwaggerUIBundle({
  url: document.getElementById("api").dataset.description,
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
});
