// Moments in the reader's own zone, and ages that grow: by the server's clock, for the reader's may be wrong.
import { duration } from "./words.js";

const TICK_MS = 1000;
let aheadMs = 0;

export const now = () => (Date.now() + aheadMs) / 1000;
export const clock = (text) => { if (text) aheadMs = Number(text) * 1000 - Date.now(); };
export const at = (moment) => new Date(moment * 1000).toLocaleTimeString();

const moment = (time) => new Date(time.dateTime);
const local = (time) => moment(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
const age = (time) => Math.max(0, now() - moment(time) / 1000);
const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };

const show = (time) => {
  if (time.classList.contains("ago")) write(time, age(time) < 1 ? "just now" : `${duration(age(time))} ago`);
  else if (time.classList.contains("lasting")) write(time, duration(age(time)));
  else write(time, local(time));
};

export const tell = (root = document) => root.querySelectorAll("time[datetime]").forEach((time) => {
  show(time);
  time.title = time.matches(".ago, .lasting") ? local(time) : time.dateTime;
});

// While Headgate is away nobody knows whether what lasted still does.
export const tick = (also) => setInterval(() => {
  document.querySelectorAll(document.body.classList.contains("away") ? "time.ago" : "time.ago, time.lasting").forEach(show);
  also();
}, TICK_MS);
