// Charts of a release: a figure for each, with a legend that says the value under the pointer, or the last one. What was
// not measured is a gap: no line is drawn over it.
import { paced } from "./pace.js";
import { digits, duration, ms, odds, percent, times, visible } from "./words.js";

const DRAW_MS = 700, AGAIN_MS = 2000, HEIGHT = 170, FRAME = 18, MOMENT = 0.5;
const known = (column) => column.some((value) => value != null);
const product = (column, other) => column.map((value, n) => value == null || other[n] == null ? null : value * other[n]);

// --- from the series to plots

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

const line = (name, look, stroke, data, more) => ({ name, look, stroke, data, ...more });
const pair = (stable, canary) => [line("stable", "stable", "--stable", stable), line("new", "canary", "--canary", canary)];

const failures = (leg) => {
  const base = baseline(leg), high = product(base, leg.high).map((value) => value == null ? null : Math.min(1, value));
  const low = product(base, leg.low.map((value) => value ?? 0)).map((value, n) => high[n] == null ? null : value);
  return { name: "Failed requests", show: percent, least: 0.01, whole: 1, lines: pair(leg.stable.error_ratio, leg.canary.error_ratio),
    band: known(high) && { name: "new is within (95%)", low, high } };
};

const evidence = (leg) => ({ name: "Evidence against the new version", show: odds, log: [0.5, 1e6], lines: [
  line("evidence", "canary", "--canary", leg.evidence),
  line("taken back at", "bad", "--bad", leg.needed, { dash: [4, 4] }),
  line("passes only below", "good", "--good", leg.evidence.map((value) => value == null ? null : leg.passes_below), { dash: [2, 4] })] });

const signal = (one) => ({ name: `Business signal ${visible(one.name)}`, show: percent, least: 0.01, whole: 1, lines: pair(one.stable, one.canary) });

const ratio = (leg) => ({ name: "Failures, new over stable", show: times, log: [0.1, 100], lines: [
  line("ratio", "canary", "--canary", leg.ratio)], band: { name: "within (95%)", low: leg.low, high: leg.high } });

const traffic = (leg) => ({ name: "Traffic on the new version", show: (value) => `${digits(value)}%`, least: 100, whole: 100, stepped: true,
  lines: [line("set", "canary", "--canary", leg.weight)], then: [leg.share_at, leg.share] });

const plots = (leg) => [
  failures(leg),
  evidence(leg),
  ...leg.signals.map(signal),
  { name: "Latency p99", show: ms, least: 10, lines: pair(leg.stable.p99_ms, leg.canary.p99_ms) },
  { name: "Latency p50", show: ms, least: 2, lines: pair(leg.stable.p50_ms, leg.canary.p50_ms) },
  ratio(leg),
  traffic(leg),
].filter((plot) => plot.lines.slice(0, 2).some((one) => known(one.data)));

const within = (plot, column) => plot.log ? column.map((value) => value == null ? null : Math.min(Math.max(value, plot.log[0]), plot.log[1])) : column;
const columns = (plot) => [...(plot.band ? [plot.band.high, plot.band.low] : []), ...plot.lines.map((one) => one.data)];

// A change of traffic closes an interval at once: a part of one, in which nobody came, says nothing, and is no gap.
const told = (leg) => {
  const usual = [...leg.interval_s].sort((one, other) => one - other)[leg.interval_s.length >> 1];
  return (n) => leg.stable.requests[n] + leg.canary.requests[n] > 0 || leg.interval_s[n] > MOMENT * usual;
};

// Where time passed that no point covers, a point without values parts the line.
const parted = (leg, data) => {
  const rows = [[], ...data.slice(1).map(() => [])];
  const says = told(leg), add = (values) => rows.forEach((row, n) => row.push(values[n]));
  data[0].forEach((x, n) => {
    if (!says(n)) return;
    const began = x - leg.interval_s[n], before = rows[0].at(-1);
    if (began - before > Math.max(1, leg.interval_s[n] / 2)) add([(before + began) / 2, ...data.slice(1).map(() => null)]);
    add(data.map((column) => column[n]));
  });
  return rows;
};

// `values` are what was measured, `data` what of it is within the axis.
const filled = (leg, plot, began) => {
  const values = parted(leg, [leg.at.map((at) => at - began), ...columns(plot)]);
  if (plot.then && plot.then[0] - began >= values[0].at(-1)) {
    values[0].push(plot.then[0] - began);
    values[1].push(plot.then[1]);
  }
  return Object.assign(plot, { values, data: [values[0], ...values.slice(1).map((column) => within(plot, column))] });
};

// --- how a plot is drawn

const resolved = (name) => {
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};
const faded = (text, alpha) => text.replace("rgb(", "rgba(").replace(")", `, ${alpha})`);

const decades = (low, high) => {
  const found = [];
  const every = Math.max(1, Math.ceil((Math.log10(high) - Math.log10(low)) / 5));
  for (let power = Math.ceil(Math.log10(low)); power <= Math.log10(high); power += every) found.push(10 ** power);
  return found;
};

const top = (columnsOf) => Math.max(0, ...columnsOf.flat().filter((value) => value != null));

// The lines say how high the axis is. A band that is not sure of anything yet has no say: it is cut off at the edge.
const range = (plot) => (_, low, high) => {
  if (plot.log) return [Math.min(plot.log[0], low ?? 1), Math.max(10, 10 ** Math.ceil(Math.log10(high ?? 10)))];
  const lines = top(plot.lines.map((one) => one.data)), band = plot.band ? top([plot.band.high]) : 0;
  const wanted = Math.max(plot.least, lines * 1.1, Math.min(band, lines * 2));
  return [0, Math.min(plot.whole ?? wanted, wanted)];
};

// A value between two gaps is a dot: no line leads to it.
const alone = (chart, series, show) => {
  if (!show) return null;
  const column = chart.data[series];
  return column.map((_, n) => n).filter((n) => column[n] != null && column[n - 1] == null && column[n + 1] == null);
};

const drawn = (plot) => (one) => ({ stroke: resolved(one.stroke), width: 2, dash: one.dash, spanGaps: false,
  paths: plot.stepped ? uPlot.paths.stepped({ align: -1 }) : undefined,
  points: { show: true, size: 5, fill: resolved(one.stroke), filter: alone } });

const SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600, 7200, 14400, 43200, 86400, 172800, 604800];

const options = (plot, width, keys) => {
  const dim = resolved("--dim"), canary = resolved("--canary");
  const edges = plot.band ? [1, 2].map(() => ({ stroke: "transparent", width: 0, spanGaps: false, points: { show: false } })) : [];
  return {
    width, height: HEIGHT, legend: { show: false }, cursor: { y: false, points: { size: 6 } },
    bands: plot.band ? [{ series: [1, 2], fill: faded(canary, 0.18) }] : [],
    scales: { x: { time: false }, y: { distr: plot.log ? 3 : 1, range: range(plot) } },
    axes: [
      { stroke: dim, size: 30, grid: { show: false }, ticks: { show: false }, values: (_, all) => all.map(duration), space: 70, incrs: SPANS },
      { stroke: dim, size: 64, grid: { stroke: resolved("--line"), width: 1 }, ticks: { show: false }, space: 34, filter: (_, all) => all,
        splits: plot.log ? (chart) => decades(chart.scales.y.min, chart.scales.y.max) : undefined,
        values: (_, all) => all.map((value) => value == null ? "" : plot.log ? `${+value.toPrecision(1)}` : plot.show(value)) },
    ],
    series: [{}, ...edges, ...plot.lines.map(drawn(plot))],
    hooks: { setCursor: [(chart) => say(plot, keys, chart.cursor.idx)] },
  };
};

// --- the legend

const last = (column) => { for (let n = column.length - 1; n >= 0; n -= 1) if (column[n] != null) return column[n]; return null; };

export const say = (plot, keys, at) => {
  const value = (column) => at == null ? last(column) : column[at];
  const text = (found) => found == null ? "–" : plot.show(found);
  const shown = plot.values.slice(plot.band ? 3 : 1);
  plot.lines.forEach((one, n) => { keys[n].textContent = `${one.name} ${text(value(shown[n]))}`; });
  if (!plot.band) return;
  const high = value(plot.values[1]), low = value(plot.values[2]);
  keys[plot.lines.length].textContent = `${plot.band.name} ${text(low ?? (high == null ? null : 0))} to ${high == null ? "?" : text(high)}`;
};

// --- figures

export const charts = (place, begin) => {
  const shown = new Map(), began = Number(place.dataset.began);
  let moved = () => {};

  const key = (look) => {
    const one = document.createElement("span"), words = document.createElement("span");
    one.className = `key ${look}`;
    one.append(document.createElement("i"), words);
    return [one, words];
  };

  const framed = (id, title, plot) => {
    const card = document.createElement("figure"), caption = document.createElement("figcaption"), name = document.createElement("b");
    card.className = "chart";
    name.textContent = title;
    const keys = [...plot.lines.map((one) => one.look), ...(plot.band ? ["band"] : [])].map(key);
    caption.append(name, ...keys.map(([one]) => one));
    card.append(caption);
    place.append(card);
    const found = { card, keys: keys.map(([, words]) => words), plot, banded: Boolean(plot.band) };
    found.chart = new uPlot(options(plot, card.clientWidth - FRAME, found.keys), plot.data, card);
    found.chart.root.setAttribute("aria-hidden", "true");
    shown.set(id, found);
    say(plot, found.keys, null);
  };

  const drop = (id) => { const { chart, card } = shown.get(id); chart.destroy(); card.remove(); shown.delete(id); };

  const put = (id, title, plot) => {
    const found = shown.get(id);
    if (!found || found.banded !== Boolean(plot.band)) {
      if (found) drop(id);
      framed(id, title, plot);
      return;
    }
    Object.assign(found.plot, plot);
    found.chart.setData(plot.data);
    say(found.plot, found.keys, found.chart.cursor.idx);
  };

  const fit = () => shown.forEach(({ chart, card }) => {
    const width = card.clientWidth - FRAME;
    if (chart.width !== width) chart.setSize({ width, height: HEIGHT });
  });

  const arrange = (legs) => {
    let before = null;
    legs.forEach((leg) => plots(leg).forEach((plot) => {
      const service = visible(leg.service), id = `${service}: ${plot.name}`;
      filled(leg, plot, began);
      put(id, legs.length > 1 ? id : plot.name, plot);
      const { card } = shown.get(id), next = before ? before.nextElementSibling : place.querySelector("figure");
      card.dataset.until = leg.at.at(-1);
      if (card !== next) place.insertBefore(card, next);  // what has data only later has its place all the same
      before = card;
    }));
  };

  // What is wrong is the link's to say; a page that never changes has none that would ask again.
  const read = async () => {
    try {
      const answer = await fetch(place.dataset.series, { headers: { accept: "application/json" } });
      if (answer.ok) return await answer.json();
      if (answer.status < 500) return null;
    } catch { /* nobody answers */ }
    setTimeout(draw, AGAIN_MS);
    return null;
  };

  const draw = paced(async () => {
    const found = await read();
    if (!found) return;
    arrange(found.legs.filter((leg) => leg.at.length));
    fit();
    if (begin && !place.dataset.drawn) moved = begin(place, shown);
    moved();
    place.dataset.drawn = "yes";
  }, DRAW_MS);

  addEventListener("resize", fit);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    [...shown.keys()].forEach(drop);
    draw();
  });
  return draw;
};
