// Replay: everything up to a moment that can be dragged, or runs by itself.
import { say } from "./charts.js";
import { duration } from "./words.js";

const TICKS = 150, TICK_MS = 80, NEARLY = 0.001;

const controls = () => {
  const bar = document.createElement("div"), play = document.createElement("button"), slide = document.createElement("input"), said = document.createElement("output");
  bar.className = "player";
  Object.assign(play, { type: "button", textContent: "Play" });
  Object.assign(slide, { type: "range", min: 0, max: TICKS, value: TICKS });
  slide.setAttribute("aria-label", "Moment");
  bar.append(play, slide, said);
  return { bar, play, slide, said };
};

const drawUntil = ({ chart, plot, keys }, until) => {
  const count = plot.data[0].filter((at) => at <= until + NEARLY).length;
  if (count === plot.data[0].length) {
    chart.setData(plot.data);
  } else {
    chart.setData([plot.data[0], ...plot.data.slice(1).map((column) => column.map((value, n) => n < count ? value : null))], false);
    chart.redraw();
  }
  say(plot, keys, count - 1);
};

// Puts the controls before the charts; returns what shows the chosen moment.
export const player = (place, charts) => {
  const told = [...document.querySelectorAll("[data-after]")];
  const ends = [...[...charts.values()].map(({ plot }) => plot.data[0].at(-1)), ...told.map((one) => Number(one.dataset.after))];
  const whole = Math.max(0, ...ends), { bar, play, slide, said } = controls();
  let running = 0;
  const show = () => {
    const until = slide.value / TICKS * whole;
    said.textContent = `+${duration(until)}`;
    slide.setAttribute("aria-valuetext", said.textContent);
    told.forEach((one) => one.classList.toggle("later", Number(one.dataset.after) > until + NEARLY));
    charts.forEach((one) => drawUntil(one, until));
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
  place.before(bar);
  return show;
};
