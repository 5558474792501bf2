// The page of a script: chips that insert variables, and playing the text in a voice of the browser.
(function () {
  const words = document.getElementById("id_text");
  const synthesis = window.speechSynthesis;

  for (const chips of document.querySelectorAll("[data-chips]")) chips.hidden = false;

  function insert(variable) {
    const [start, end] = [words.selectionStart, words.selectionEnd];
    const before = words.value.slice(0, start);
    const blank = before && !/[\s(“"]$/.test(before) ? " " : "";
    words.setRangeText(blank + variable, start, end, "end");
    words.focus();
    words.dispatchEvent(new Event("input", { bubbles: true })); // so that it is measured again
  }

  function findVoice(language) {
    const voices = synthesis.getVoices();
    return voices.find((voice) => voice.lang.replace("_", "-").toLowerCase().split("-")[0] === language);
  }

  // With a voice there is a button, without one a note. The part that is shown is replaced while one types.
  function showPlayer() {
    for (const player of document.querySelectorAll("[data-player]")) {
      const language = document.getElementById(player.querySelector("[data-say]").dataset.say).lang;
      const canPlay = Boolean(synthesis && findVoice(language));
      player.hidden = !canPlay;
      player.parentElement.querySelector("[data-no-voice]").hidden = canPlay;
    }
  }

  function showPlaying(isPlaying) {
    for (const stop of document.querySelectorAll("[data-hush]")) stop.hidden = !isPlaying;
  }

  function say(element) {
    const utterance = new SpeechSynthesisUtterance(element.textContent);
    utterance.lang = element.lang;
    utterance.voice = findVoice(element.lang);
    utterance.addEventListener("end", () => showPlaying(false));
    utterance.addEventListener("error", () => showPlaying(false));
    synthesis.cancel();
    synthesis.speak(utterance);
    showPlaying(true);
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.insert && words) insert(button.dataset.insert);
    if (button.dataset.say) say(document.getElementById(button.dataset.say));
    if ("hush" in button.dataset) { synthesis.cancel(); showPlaying(false); }
  });

  showPlayer();
  document.body.addEventListener("htmx:afterSwap", showPlayer);
  synthesis?.addEventListener?.("voiceschanged", showPlayer); // some browsers load their voices late
  window.addEventListener("pagehide", () => synthesis?.cancel());
})();
