// Passkeys: asks the browser for what a form[data-passkey] needs, and sends the form with it. Formats are those of
// webauthn-json, which comes with django-allauth. data-options: what to ask for; without it the server is asked.
(function () {
  const isName = !/^[\d.]+$|:/.test(location.hostname); // a browser keeps no passkey for a number
  if (!isName || !webauthnJSON.supported()) return;

  async function ask(form) {
    if (form.dataset.passkey === "create") return webauthnJSON.create(JSON.parse(form.dataset.options));
    if (form.dataset.options) return webauthnJSON.get(JSON.parse(form.dataset.options));
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    return webauthnJSON.get((await answer.json()).request_options);
  }
  async function send(event) {
    const form = event.target;
    const failed = form.querySelector("[data-passkey-failed]");
    event.preventDefault();
    failed.hidden = true;
    try {
      form.elements.credential.value = JSON.stringify(await ask(form));
      form.submit();
    } catch {
      failed.hidden = false; // cancelled, too late, or none here: browsers don't say which
    }
  }
  for (const note of document.querySelectorAll("[data-passkey-unsupported]")) note.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", send);
  }
})();
