// Everything here only adds: without it, every page can be read and every button pressed.
import { charts } from "./live/charts.js";
import { keep } from "./live/link.js";
import { slides } from "./live/plan.js";
import { player } from "./live/replay.js";
import { tell } from "./live/times.js";

const place = document.getElementById("charts");
const drawn = place && typeof uPlot !== "undefined" ? charts(place, place.dataset.player ? player : null) : null;

if (document.body.dataset.now) keep(() => drawn?.());
tell();
slides();
drawn?.();
