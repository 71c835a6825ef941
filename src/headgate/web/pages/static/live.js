// Everything here only adds: without it, every page can be read and every button pressed.
"use strict";
(() => {
  const body = document.body;
  const said = document.getElementById("link");

  const localTimes = (root) => root.querySelectorAll("time[datetime]").forEach((time) => {
    const at = new Date(time.dateTime);
    time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
    time.title = time.dateTime;
  });
  localTimes(document);
  document.addEventListener("htmx:after:swap", () => localTimes(document));

  const stream = body.dataset.stream;
  let drawn = 0;
  if (stream) {
    const source = new EventSource(stream);
    source.addEventListener("entry", () => {
      body.dispatchEvent(new CustomEvent("headgate:changed"));
      clearTimeout(drawn);
      drawn = setTimeout(draw, 900);
    });
    source.onopen = () => { said.textContent = "live"; };
    source.onerror = () => { said.textContent = "not live: trying to reach Headgate again …"; };
  }

  const place = document.getElementById("charts");
  const charts = new Map();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const resolved = (name) => {
    const probe = document.createElement("span");
    probe.hidden = true;
    probe.style.color = `var(${name})`;
    body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found || colour(name);
  };
  const faded = (text, alpha) => text.replace("rgb(", "rgba(").replace(")", `, ${alpha})`);
  const percent = (value) => value == null ? "–" : `${+(value * 100).toPrecision(3)}%`;
  const plain = (value) => value == null ? "–" : `${+value.toPrecision(3)}`;
  const ms = (value) => value == null ? "–" : `${+value.toPrecision(3)} ms`;

  const plots = (leg) => {
    const stable = resolved("--stable"), canary = resolved("--canary"), bad = resolved("--bad");
    const line = (label, stroke, value, more) => ({ label, stroke, width: 2, points: { show: false }, spanGaps: true, value: (_, v) => value(v), ...more });
    return [
      { name: "Failed requests", data: [leg.stable.error_ratio, leg.canary.error_ratio], series: [line("stable", stable, percent), line("new", canary, percent)], show: percent },
      { name: "Failures, new over stable", data: [leg.high, leg.low, leg.ratio, leg.ratio.map(() => 1)],
        series: [line("at most", faded(canary, 0.4), plain), line("at least", faded(canary, 0.4), plain), line("ratio", canary, plain), line("same", stable, plain, { dash: [4, 4] })],
        bands: [{ series: [1, 2], fill: faded(canary, 0.12) }], show: plain, log: true },
      { name: "Latency p99", data: [leg.stable.p99_ms, leg.canary.p99_ms], series: [line("stable", stable, ms), line("new", canary, ms)], show: ms },
      { name: "Latency p50", data: [leg.stable.p50_ms, leg.canary.p50_ms], series: [line("stable", stable, ms), line("new", canary, ms)], show: ms },
      { name: "Evidence that the new version is worse (odds)", data: [leg.evidence, leg.needed], series: [line("evidence", canary, plain), line("taken back at", bad, plain, { dash: [4, 4] })], show: plain, log: true },
      { name: "Traffic on the new version", data: [leg.weight], series: [line("set", canary, (v) => v == null ? "–" : `${v}%`)], show: (v) => `${v}%`, range: [0, 100] },
    ];
  };

  const options = (plot, width) => ({
    width, height: 180, title: "", bands: plot.bands || [],
    cursor: { points: { size: 6 } },
    scales: { x: { time: true }, y: { distr: plot.log ? 3 : 1, range: plot.range ? () => plot.range : undefined } },
    axes: [
      { stroke: resolved("--dim"), grid: { show: false }, ticks: { show: false } },
      { stroke: resolved("--dim"), size: 62, grid: { stroke: resolved("--line"), width: 1 }, ticks: { show: false }, values: (_, all) => all.map((v) => v == null ? "" : plot.show(v)) },
    ],
    series: [{}, ...plot.series],
  });
  const positive = (plot) => plot.log ? plot.data.map((column) => column.map((v) => v == null || v <= 0 ? null : v)) : plot.data;

  async function draw() {
    if (!place || typeof uPlot === "undefined") return;
    const answer = await fetch(place.dataset.series, { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    const found = await answer.json();
    found.legs.filter((leg) => leg.at.length).forEach((leg) => plots(leg).forEach((plot) => {
      const key = `${leg.service}: ${plot.name}`;
      const data = [leg.at, ...positive(plot)];
      if (charts.has(key)) { charts.get(key).setData(data); return; }
      const card = document.createElement("figure");
      card.className = "chart";
      card.style.margin = "0";
      const title = document.createElement("h3");
      title.textContent = found.legs.length > 1 ? key : plot.name;
      card.append(title);
      place.append(card);
      charts.set(key, new uPlot(options(plot, card.clientWidth - 18), data, card));
    }));
  }
  draw();
  addEventListener("resize", () => charts.forEach((chart) => chart.setSize({ width: chart.root.parentElement.clientWidth - 18, height: 180 })));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    charts.forEach((chart) => { chart.root.parentElement.remove(); chart.destroy(); });
    charts.clear();
    draw();
  });
})();
