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

  // --- charts: a figure for each, with a legend that says the value under the pointer, or the last one

  const place = document.getElementById("charts");
  const charts = new Map();
  const HEIGHT = 170;
  const resolved = (name) => {
    const probe = document.createElement("span");
    probe.hidden = true;
    probe.style.color = `var(${name})`;
    body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const faded = (text, alpha) => text.replace("rgb(", "rgba(").replace(")", `, ${alpha})`);
  const digits = (value) => `${+value.toPrecision(3)}`;
  const percent = (value) => `${digits(value * 100)}%`;
  const ms = (value) => `${digits(value)} ms`;
  const odds = (value) => value < 1.5 ? "none" : value >= 1e6 ? "over a million to 1" : `${digits(value)} to 1`;
  const seconds = (value) => Math.abs(value) < 120 ? `${digits(value)} s` : Math.abs(value) < 7200 ? `${digits(value / 60)} min` : `${digits(value / 3600)} h`;
  const known = (column) => column.some((value) => value != null);
  const times = (column, other) => column.map((value, n) => value == null || other[n] == null ? null : value * other[n]);

  // Stable's share of failures since the weight changed last: what the interval of new over stable is about.
  const baseline = (leg) => {
    let requests = 0, errors = 0;
    return leg.stable.requests.map((count, n) => {
      if (n && leg.weight[n] !== leg.weight[n - 1]) requests = errors = 0;
      requests += count;
      errors += leg.stable.errors[n];
      return errors ? errors / requests : null;
    });
  };

  const plots = (leg) => {
    const line = (name, look, stroke, data, more) => ({ name, look, stroke, data, ...more });
    const stable = "--stable", canary = "--canary", bad = "--bad";
    const base = baseline(leg), low = times(base, leg.low.map((value) => value ?? 0)), high = times(base, leg.high);
    const pair = (name) => [line("stable", "stable", stable, leg.stable[name]), line("new", "canary", canary, leg.canary[name])];
    const all = [
      { name: "Failed requests", show: percent, least: 0.01, lines: pair("error_ratio"),
        band: known(high) && { name: "new is within (95%)", low: low.map((value, n) => high[n] == null ? null : value), high } },
      { name: "Evidence against the new version", show: odds, log: [0.5, 1e6], lines: [
        line("evidence", "canary", canary, leg.evidence), line("taken back at", "bad", bad, leg.needed, { dash: [4, 4] }),
        line("passes only below", "good", "--good", leg.at.map(() => leg.passes_below), { dash: [2, 4] })] },
      { name: "Latency p99", show: ms, least: 10, lines: pair("p99_ms") },
      { name: "Latency p50", show: ms, least: 2, lines: pair("p50_ms") },
      { name: "Failures, new over stable", show: (value) => `${digits(value)} times`, log: [0.1, 100], lines: [
        line("ratio", "canary", canary, leg.ratio)], band: { name: "within (95%)", low: leg.low, high: leg.high } },
      { name: "Traffic on the new version", show: (value) => `${digits(value)}%`, least: 100, most: 100, lines: [line("set", "canary", canary, leg.weight)] },
    ];
    return all.filter((plot) => known(plot.lines[0].data) || plot.lines[1] && known(plot.lines[1].data));
  };

  const within = (plot, column) => plot.log ? column.map((value) => value == null ? null : Math.min(Math.max(value, plot.log[0]), plot.log[1])) : column;
  const columns = (plot) => [...(plot.band ? [plot.band.high, plot.band.low] : []), ...plot.lines.map((one) => one.data)].map((column) => within(plot, column));
  const decades = (low, high) => {
    const found = [];
    const every = Math.max(1, Math.ceil((Math.log10(high) - Math.log10(low)) / 5));
    for (let power = Math.ceil(Math.log10(low)); power <= Math.log10(high); power += every) found.push(10 ** power);
    return found;
  };
  const range = (plot) => (_, low, high) => {
    if (plot.log) return [Math.min(plot.log[0], low ?? 1), Math.max(10, 10 ** Math.ceil(Math.log10(high ?? 10)))];
    return [0, plot.most ?? Math.max(plot.least, (high ?? 0) * 1.1)];
  };

  const options = (plot, width, keys) => {
    const dim = resolved("--dim"), canary = resolved("--canary");
    const edges = plot.band ? [1, 2].map(() => ({ stroke: "transparent", width: 0, points: { show: false } })) : [];
    return {
      width, height: HEIGHT, legend: { show: false }, cursor: { y: false, points: { size: 6 } },
      bands: plot.band ? [{ series: [1, 2], fill: faded(canary, 0.18) }] : [],
      scales: { x: { time: false }, y: { distr: plot.log ? 3 : 1, range: range(plot) } },
      axes: [
        { stroke: dim, size: 30, grid: { show: false }, ticks: { show: false }, values: (_, all) => all.map(seconds), space: 70, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600, 7200, 14400, 43200, 86400, 172800, 604800] },
        { stroke: dim, size: 64, grid: { stroke: resolved("--line"), width: 1 }, ticks: { show: false }, space: 34, filter: (_, all) => all,
          splits: plot.log ? (chart) => decades(chart.scales.y.min, chart.scales.y.max) : undefined,
          values: (_, all) => all.map((value) => value == null ? "" : plot.log ? `${+value.toPrecision(1)}` : plot.show(value)) },
      ],
      series: [{}, ...edges, ...plot.lines.map((one) => ({ stroke: resolved(one.stroke), width: 2, dash: one.dash, points: { show: false }, spanGaps: true }))],
      hooks: { setCursor: [(chart) => say(plot, keys, chart.cursor.idx)] },
    };
  };

  const last = (column) => { for (let n = column.length - 1; n >= 0; n -= 1) if (column[n] != null) return column[n]; return null; };
  const say = (plot, keys, at) => {
    const value = (column) => at == null ? last(column) : column[at];
    const text = (found) => found == null ? "–" : plot.show(found);
    plot.lines.forEach((one, n) => { keys[n].textContent = `${one.name} ${text(value(one.data))}`; });
    if (!plot.band) return;
    const low = value(plot.band.low), high = value(plot.band.high);
    keys[plot.lines.length].textContent = `${plot.band.name} ${text(low ?? (high == null ? null : 0))} to ${high == null ? "?" : text(high)}`;
  };

  const framed = (key, title, plot) => {
    const card = document.createElement("figure"), caption = document.createElement("figcaption"), name = document.createElement("b");
    card.className = "chart";
    name.textContent = title;
    caption.append(name);
    const looks = [...plot.lines.map((one) => one.look), ...(plot.band ? ["band"] : [])];
    const keys = looks.map((look) => {
      const one = document.createElement("span"), words = document.createElement("span");
      one.className = `key ${look}`;
      one.append(document.createElement("i"), words);
      caption.append(one);
      return words;
    });
    card.append(caption);
    place.append(card);
    const found = { card, keys, plot, banded: Boolean(plot.band) };
    found.chart = new uPlot(options(plot, card.clientWidth - 18, keys), plot.data, card);
    found.chart.root.setAttribute("aria-hidden", "true");
    charts.set(key, found);
    say(plot, keys, null);
  };
  const drop = (key) => { const { chart, card } = charts.get(key); chart.destroy(); card.remove(); charts.delete(key); };

  const fit = () => charts.forEach(({ chart, card }) => {
    const width = card.clientWidth - 18;
    if (chart.width !== width) chart.setSize({ width, height: HEIGHT });
  });

  async function draw() {
    if (!place || typeof uPlot === "undefined") return;
    const answer = await fetch(place.dataset.series, { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    const found = await answer.json();
    const legs = found.legs.filter((leg) => leg.at.length);
    let before = null;
    const stand = (key) => {  // what has data only later has its place all the same
      const { card } = charts.get(key), next = before ? before.nextElementSibling : place.querySelector("figure");
      if (card !== next) place.insertBefore(card, next);
      before = card;
    };
    legs.forEach((leg) => plots(leg).forEach((plot) => {
      const key = `${leg.service}: ${plot.name}`;
      plot.data = [leg.at.map((at) => at - Number(place.dataset.began)), ...columns(plot)];
      const shown = charts.get(key);
      if (shown && shown.banded === Boolean(plot.band)) {
        Object.assign(shown.plot, plot);
        shown.chart.setData(plot.data);
        say(shown.plot, shown.keys, null);
      } else {
        if (shown) drop(key);
        framed(key, legs.length > 1 ? key : plot.name, plot);
      }
      stand(key);
    }));
    fit();
    if (place.dataset.player && !place.dataset.drawn) player();
    show();
    place.dataset.drawn = "yes";
  }
  addEventListener("resize", fit);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    [...charts.keys()].forEach(drop);
    draw();
  });

  // --- replay: everything up to a moment that can be dragged, or runs by itself

  const TICKS = 150, TICK_MS = 80;
  let show = () => {};
  function player() {
    const told = [...document.querySelectorAll("[data-after]")];
    const ends = [...[...charts.values()].map(({ plot }) => plot.data[0].at(-1)), ...told.map((one) => Number(one.dataset.after))];
    const whole = Math.max(0, ...ends);
    const bar = document.createElement("div"), play = document.createElement("button"), slide = document.createElement("input"), said = document.createElement("output");
    let running = 0;
    bar.className = "player";
    Object.assign(play, { type: "button", textContent: "Play" });
    Object.assign(slide, { type: "range", min: 0, max: TICKS, value: TICKS });
    slide.setAttribute("aria-label", "Moment");
    show = () => {
      const until = slide.value / TICKS * whole;
      said.textContent = `+${seconds(until)}`;
      slide.setAttribute("aria-valuetext", said.textContent);
      told.forEach((one) => one.classList.toggle("later", Number(one.dataset.after) > until + 0.001));
      charts.forEach(({ chart, plot, keys }) => {
        const count = plot.data[0].filter((at) => at <= until + 0.001).length;
        if (count === plot.data[0].length) {
          chart.setData(plot.data);
        } else {
          chart.setData([plot.data[0], ...plot.data.slice(1).map((column) => column.map((value, n) => n < count ? value : null))], false);
          chart.redraw();
        }
        say(plot, keys, count - 1);
      });
    };
    const stop = () => { clearInterval(running); running = 0; play.textContent = "Play"; };
    const tick = () => {
      slide.value = Number(slide.value) + 1;
      show();
      if (Number(slide.value) >= TICKS) stop();
    };
    play.addEventListener("click", () => {
      if (running) { stop(); return; }
      if (Number(slide.value) >= TICKS) slide.value = 0;
      play.textContent = "Pause";
      running = setInterval(tick, TICK_MS);
    });
    slide.addEventListener("input", () => { stop(); show(); });
    bar.append(play, slide, said);
    place.before(bar);
    show();
  }

  // --- the plan: each step's share and time can be dragged

  const LOG_MAX = 5;
  const scales = {
    share: { min: 1, max: 99, step: 1, to: (text) => text || "1", from: (text) => text, say: (text) => `${text}%` },
    time: { min: 0, max: LOG_MAX, step: 0.05, to: (text) => Math.log10(Math.max(1, Number(text) || 1)), from: (text) => `${+(10 ** text).toPrecision(2)}`, say: (text) => seconds(Number(text)) },
  };
  document.querySelectorAll("input[data-slide]").forEach((input) => {
    const slide = document.createElement("input"), scale = scales[input.dataset.slide];
    const follow = () => { slide.value = scale.to(input.value); slide.setAttribute("aria-valuetext", scale.say(input.value || "1")); };
    Object.assign(slide, { type: "range", min: scale.min, max: scale.max, step: scale.step });
    slide.setAttribute("aria-label", input.closest("label").textContent.trim());
    slide.addEventListener("input", () => { input.value = scale.from(slide.value); slide.setAttribute("aria-valuetext", scale.say(input.value)); });
    input.addEventListener("input", follow);
    follow();
    input.closest("li").append(slide);
  });

  draw();
})();
