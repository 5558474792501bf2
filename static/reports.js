// Charts over a table of the same numbers, and printing. Without this file the tables show everything.
(function () {
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  const kinds = document.querySelector(".report-kinds");
  const present = kinds?.querySelector("[aria-current]");
  if (present) kinds.scrollLeft = present.offsetLeft - kinds.offsetLeft - 40;

  const charts = [...document.querySelectorAll("[data-chart]")];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function read(chart) {
    const table = document.getElementById(chart.dataset.chart);
    const columns = chart.dataset.columns.split(",").map(Number);
    const rows = [...table.tBodies[0].rows].reverse();
    const number = (text) => (text === "" ? null : Number(text));
    return {
      names: columns.map((column) => table.tHead.rows[0].cells[column].textContent.trim()),
      days: rows.map((row) => row.cells[0].textContent.trim()),
      data: [
        rows.map((row) => Date.parse(row.cells[0].dataset.value + "T00:00:00Z") / 1000),
        ...columns.map((column) => rows.map((row) => number(row.cells[column].dataset.value))),
      ],
      isShare: rows.some((row) => row.cells[columns[0]].textContent.includes("%")),
    };
  }

  // Each line has its name at its end, moved down where two would overlap.
  function drawNames(plot, names) {
    const context = plot.ctx;
    const height = 15 * devicePixelRatio;
    const ends = names.map((name, place) => {
      const values = plot.data[place + 1];
      const last = values.reduce((found, value, at) => (value === null ? found : at), 0);
      return { name, place, y: plot.valToPos(values[last] ?? 0, "y", true) };
    }).sort((one, other) => one.y - other.y);
    context.save();
    context.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    let free = -Infinity;
    for (const end of ends) {
      const y = Math.max(end.y, free);
      free = y + height;
      context.fillStyle = colour(`--series-${end.place + 1}`);
      context.fillText(end.name, plot.bbox.left + plot.bbox.width + 8 * devicePixelRatio, y);
    }
    context.restore();
  }

  function measureNames(names) {
    const context = document.createElement("canvas").getContext("2d");
    context.font = "12px system-ui, sans-serif";
    return Math.max(...names.map((name) => context.measureText(name).width));
  }

  function draw(chart) {
    const { names, days, data, isShare } = read(chart);
    const room = Math.min(measureNames(names) + 16, 140, chart.clientWidth / 3); // beside the lines, for their names
    const axis = { stroke: colour("--ink-quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const byTime = new Map(data[0].map((time, at) => [time, days[at]]));
    const every = Math.max(1, Math.ceil(days.length / Math.max(2, Math.floor(chart.clientWidth / 130))));
    chart.replaceChildren();
    new uPlot({
      width: chart.clientWidth,
      height: chart.clientHeight,
      padding: [12, Math.max(room, 40), 0, 8],
      cursor: { show: false },
      legend: { show: false },
      scales: { x: { time: false }, y: { range: (plot, least, most) => [0, isShare ? 100 : Math.max(most * 1.1, 5)] } },
      axes: [
        { ...axis, size: 28, splits: () => data[0].filter((time, at) => at % every === 0), values: (plot, times) => times.map((time) => byTime.get(time)) },
        { ...axis, size: 48, values: (plot, numbers) => numbers.map((one) => (isShare ? `${one}%` : Number.isInteger(one) ? one : "")) },
      ],
      series: [{}, ...names.map((name, place) => ({
        stroke: colour(`--series-${place + 1}`), width: 2, spanGaps: true, points: { show: data[0].length < 40, size: 5 },
      }))],
      hooks: { draw: [(plot) => drawNames(plot, names)] },
    }, data, chart);
  }

  const drawAll = () => charts.forEach(draw);
  if (!charts.length) return;
  drawAll();
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    requestAnimationFrame(drawAll);
  });
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
})();
