// The calendar draws what the page brought with it, and asks again every half a minute.
(function () {
  const place = document.getElementById("calendar");
  const source = document.getElementById("calendar-setup");
  if (!place || !source || !window.EventCalendar) return;
  const setup = JSON.parse(source.textContent);
  const dialog = document.getElementById("move-dialog");
  const content = document.getElementById("move-dialog-content");
  const isWeek = setup.view === "week";
  const EVERY = 30000;
  let putBack = null; // takes the last drag back
  let isDragging = false;

  function make(tag, name, words) {
    const element = document.createElement(tag);
    element.className = name;
    if (words) element.textContent = words;
    return element;
  }

  const lookOf = (state) => document.querySelector(`template[data-look="${state}"]`)?.content.cloneNode(true) || "";

  // A crowded time of a week: how many visits, and how many of them in each state.
  function drawCrowd(link, title, about) {
    link.title = [about.clock, title, ...about.states.map(([, word, count]) => `${count} ${word}`)].join(" · ");
    const states = make("span", "crowd-states");
    for (const [state, word, count] of about.states) {
      const part = make("span", "crowd-state");
      part.append(lookOf(state), make("span", "", String(count)), make("span", "visually-hidden", ` ${word}, `));
      states.append(part);
    }
    link.append(make("span", "visually-hidden", `${about.clock} `), make("span", "crowd-count", title), states);
  }

  function draw(info) {
    const event = info.event;
    const about = event.extendedProps;
    if (event.display === "background") return { domNodes: event.title ? [make("span", "elsewhere-words", event.title)] : [] };
    const link = make("a", "visit-link");
    link.href = about.address || "#";
    link.draggable = false;
    if (about.states) {
      link.classList.add("crowd-link");
      link.classList.toggle("is-short", about.minutes < 30);
      drawCrowd(link, event.title, about);
      return { domNodes: [link] };
    }
    link.title = [about.clock, event.title, about.word, about.kind].filter(Boolean).join(" · "); // where it is cut off
    const first = make("span", "visit-line");
    first.append(lookOf(about.state), make("span", "visit-name", event.title));
    const more = [about.word, about.kind, isWeek && !setup.provider ? about.provider : ""].filter(Boolean).join(" · ");
    const second = make("span", "visit-more", more);
    if (about.minutes < 30) {
      first.append(second);
      first.append(make("span", "visit-clock", info.timeText || about.clock));
      link.append(first);
    } else {
      first.append(make("span", "visit-clock", info.timeText || about.clock));
      link.append(first, second);
    }
    return { domNodes: [link] };
  }

  const clockOf = (date) => {
    const words = setup.clocks[String(date.getHours())] || "";
    return date.getMinutes() ? words.replace(/([:.])00/, "$1" + String(date.getMinutes()).padStart(2, "0")) : words;
  };
  const dayOf = (date) => {
    const two = (number) => String(number).padStart(2, "0");
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  };

  // A press on an empty place opens the page to book, with the day, the time and the provider filled in.
  function book(info) {
    if (!setup.book || isDragging) return;
    const [day, at] = info.dateStr.split("T");
    const wanted = new URLSearchParams({ location: setup.location, day, at: at.slice(0, 5) });
    const provider = info.resource && info.resource.id !== "none" ? info.resource.id : setup.provider;
    if (provider) wanted.set("provider", provider);
    location.assign(`${setup.book}?${wanted}`);
  }

  // A drag asks first, with what it changes, and is taken back unless it is saved.
  function ask(info) {
    const about = info.event.extendedProps;
    const wall = new Date(`${about.wall}:00Z`);
    wall.setUTCDate(wall.getUTCDate() + (info.delta.days || 0));
    wall.setUTCSeconds(wall.getUTCSeconds() + (info.delta.seconds || 0));
    const [day, at] = wall.toISOString().split("T");
    const values = { dialog: "1", location: setup.location, day, at: at.slice(0, 5), minutes: about.minutes, next: setup.here };
    const provider = (info.event.resourceIds || [])[0];
    if (provider && provider !== "none") values.provider = provider;
    putBack = info.revert;
    content.replaceChildren();
    dialog.showModal();
    htmx.ajax("GET", about.move, { target: content, swap: "innerHTML", values }).then(focusNo, say);
  }
  function focusNo() {
    const no = content.querySelector("[data-dont-move]");
    if (no) no.focus();
    else say();
  }
  function say() {
    content.replaceChildren(document.getElementById("move-failed").content.cloneNode(true));
  }
  content.addEventListener("htmx:responseError", say);
  content.addEventListener("htmx:sendError", say);
  dialog.addEventListener("click", (event) => { if (event.target.closest("[data-dont-move]")) dialog.close(); });
  dialog.addEventListener("close", function () {
    if (putBack) putBack();
    putBack = null;
  });
  dialog.addEventListener("submit", () => { putBack = null; });

  // A link that was dragged isn't followed.
  place.addEventListener("click", function (event) {
    if (isDragging && event.target.closest("a")) event.preventDefault();
  }, true);

  // Each of the visits that stand beside each other gets room for a few letters; else the calendar is moved sideways.
  function findColumnWidth() {
    const [axis, least, each] = [88, 144, 84]; // pixels
    const wanted = Math.max(least, setup.beside * each);
    const columns = isWeek ? 7 : Math.max(setup.columns.length, 1);
    return (place.clientWidth - axis) / columns < wanted ? `${wanted}px` : undefined;
  }

  place.hidden = false;
  const calendar = EventCalendar.create(place, {
    view: isWeek ? "timeGridWeek" : "resourceTimeGridDay",
    date: setup.date,
    timeZone: setup.offset,
    firstDay: 1,
    headerToolbar: { start: "", center: "", end: "" },
    resources: setup.columns,
    events: setup.events,
    allDaySlot: false,
    slotMinTime: setup.opens,
    slotMaxTime: setup.closes,
    slotDuration: "00:15",
    slotLabelInterval: "01:00",
    slotHeight: 24,
    snapDuration: "00:15",
    nowIndicator: true,
    editable: false,
    eventDurationEditable: false,
    eventLongPressDelay: 400,
    pointer: false,
    slotEventOverlap: false,
    slotLabelFormat: clockOf,
    eventTimeFormat: (start) => clockOf(start),
    dayHeaderFormat: (date) => setup.dayNames[dayOf(date)] || "",
    columnWidth: findColumnWidth(),
    eventContent: draw,
    dateClick: book,
    eventDragStart: () => { isDragging = true; },
    eventDragStop: () => setTimeout(() => { isDragging = false; }, 50),
    eventDrop: ask,
  });
  place.querySelector(".ec-today")?.scrollIntoView({ block: "nearest", inline: "center" });
  place.removeAttribute("aria-busy");
  dropTableRoles();

  // The library calls its columns a table, but draws no cells: to a screen reader it is a region with links.
  function dropTableRoles() {
    const roles = ["table", "rowgroup", "row", "columnheader", "rowheader", "cell", "gridcell"];
    for (const part of place.querySelectorAll(roles.map((role) => `[role=${role}]`).join())) part.removeAttribute("role");
    for (const part of place.querySelectorAll("*")) {
      for (const name of part.getAttributeNames()) if (/^aria-(col|row)/.test(name)) part.removeAttribute(name);
    }
  }

  // Nothing changes while somebody drags, is asked, or looks at another tab.
  setInterval(function () {
    if (document.hidden || isDragging || dialog.open || place.contains(document.activeElement)) return;
    fetch(setup.address, { headers: { Accept: "application/json" } })
      .then((answer) => (answer.ok && !answer.redirected ? answer.json() : null))
      .then((found) => { if (found && !dialog.open && !isDragging) calendar.setOption("events", found.events); })
      .catch(() => {});
  }, EVERY);
})();
