// The plan: each step's share and time can be dragged.
import { duration } from "./words.js";

const LOG_MAX = 5;
const SCALES = {
  share: { min: 1, max: 99, step: 1, to: (text) => text || "1", from: (text) => text, say: (text) => `${text}%` },
  time: { min: 0, max: LOG_MAX, step: 0.05, to: (text) => Math.log10(Math.max(1, Number(text) || 1)), from: (text) => `${+(10 ** text).toPrecision(2)}`, say: (text) => duration(Number(text)) },
};

const slid = (input) => {
  const slide = document.createElement("input"), scale = SCALES[input.dataset.slide];
  const follow = () => { slide.value = scale.to(input.value); slide.setAttribute("aria-valuetext", scale.say(input.value || "1")); };
  Object.assign(slide, { type: "range", min: scale.min, max: scale.max, step: scale.step });
  slide.setAttribute("aria-label", input.closest("label").textContent.trim());
  slide.addEventListener("input", () => { input.value = scale.from(slide.value); slide.setAttribute("aria-valuetext", scale.say(input.value)); });
  input.addEventListener("input", follow);
  follow();
  input.closest("li").append(slide);
};

export const slides = () => document.querySelectorAll("input[data-slide]").forEach(slid);
