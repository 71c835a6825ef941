// The link to Headgate: whether the page is what Headgate says now, and what is done and said while it is not.
//
// Entries come by a stream; each has the page read anew, at most every REFRESH_MS. Without any, it is read anew every
// QUIET_MS all the same: a line that is dead without a word, a freeze, a session that ended are found out by that. While
// nothing answers, it is tried again after a pause that grows, the age of what is shown is said, and no button works.
import { paced } from "./pace.js";
import { at, clock, now, tell, tick } from "./times.js";
import { duration } from "./words.js";

const REFRESH_MS = 700, QUIET_MS = 15_000, WITHIN_MS = 10_000, HIDDEN_MS = 60_000;
const FIRST_MS = 500, LAST_MS = 15_000, SPREAD = 0.3;
const STEADY_MS = 5000;

const body = document.body, said = document.getElementById("said"), age = document.getElementById("age");
const regions = (body.dataset.live ?? "").split(" ").filter(Boolean);
const away = { since: 0, tries: 0, timer: 0 };
let seen = now(), source = null, quiet = 0, fallen = 0, steady = 0, asleep = false, changed = () => {};

// --- what is said

const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };

const tellAge = () => {
  const old = duration(Math.max(0, Math.round(now() - seen)));
  if (away.since) write(age, `What is shown is ${old} old, as of ${at(seen)}.`);
  else write(age, source || regions.length ? "" : `As of ${at(seen)}; it does not change by itself.`);
};

const BUTTONS = "form[method=post] button, main summary.button, main a.button";
const stop = (event) => { if (event.target.closest("[aria-disabled=true]")) event.preventDefault(); };

const buttons = (off, where = document) => where.querySelectorAll(BUTTONS).forEach((one) => {
  if (one.tagName === "BUTTON") one.disabled = off;
  else if (off) one.setAttribute("aria-disabled", "true");
  else one.removeAttribute("aria-disabled");
});

const tellState = () => {
  body.classList.toggle("away", away.since > 0);
  buttons(away.since > 0);
  if (away.since) write(said, "Headgate cannot be reached: the buttons are off until it answers. It is tried again by itself.");
  else write(said, source?.readyState === EventSource.OPEN ? "live" : "");
  tellAge();
};

// --- reading the page anew

const doors = (answer) => answer.redirected && new URL(answer.url).pathname === "/sign-in";

const ask = () => fetch(location.pathname + location.search, { headers: { accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });

const take = async (text) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  if (page.body.dataset.build !== body.dataset.build) location.reload();  // another Headgate: its pages have other scripts
  clock(page.body.dataset.now);
  seen = Number(page.body.dataset.now) || now();
  document.title = page.title;
  tell(page);
  if (away.since) buttons(true, page);  // off until the page is whole, and says that it is back
  const selectOOB = regions.filter((id) => document.getElementById(id)).map((id) => `#${id}:outerMorph`).join(",");
  if (selectOOB) await htmx.swap({ sourceElement: body, text: page.body.innerHTML, selectOOB, swap: "none" });
  return page.body.dataset.stream;
};

async function read() {
  if (asleep) return;
  clearTimeout(quiet);
  clearTimeout(away.timer);
  let answer, text;
  try {
    answer = await ask();
    text = await answer.text();
  } catch {
    lost();
    return;
  }
  if (doors(answer)) { location.assign(answer.url); return; }  // the session ended: sign in, and back to this page
  if (answer.status >= 500 || answer.status === 429) { lost(); return; }
  if (!answer.ok) { location.reload(); return; }
  found(await take(text));
}

const found = (stream) => {
  Object.assign(away, { since: 0, tries: 0 });
  quiet = setTimeout(refresh, QUIET_MS);
  if (!stream) hangUp();
  else if (!source) listen(stream);
  tellState();
  changed();
};

const pause = (tries) => Math.min(LAST_MS, FIRST_MS * 2 ** tries) * (1 + SPREAD * Math.random());

const lost = () => {
  hangUp();
  away.since ||= now();
  away.timer = setTimeout(refresh, pause(away.tries));
  away.tries += 1;
  tellState();
};

export const refresh = paced(read, REFRESH_MS);

// --- the stream

const hangUp = () => {
  clearTimeout(steady);
  source?.close();
  source = null;
};

const listen = (stream) => {
  source = new EventSource(stream);
  source.addEventListener("entry", refresh);
  source.onopen = () => {
    steady = setTimeout(() => { fallen = 0; }, STEADY_MS);
    tellState();
  };
  source.onerror = () => {  // a browser tries on by itself only after some errors, and never says for how long
    hangUp();
    tellState();
    clearTimeout(quiet);
    quiet = setTimeout(refresh, fallen ? pause(fallen) : 0);
    fallen += 1;
  };
};

// --- a window that nobody looks at holds no connection: a browser has six for all of its windows

const wake = () => {
  clearTimeout(away.timer);
  asleep = false;
  refresh();
};
let dozing = 0;
const look = () => {
  clearTimeout(dozing);
  if (document.hidden) dozing = setTimeout(() => { asleep = true; clearTimeout(quiet); clearTimeout(away.timer); hangUp(); }, HIDDEN_MS);
  else wake();
};

export const keep = (whenChanged) => {
  changed = whenChanged;
  clock(body.dataset.now);
  seen = Number(body.dataset.now) || seen;
  if (body.dataset.stream) listen(body.dataset.stream);
  if (regions.length) {
    quiet = setTimeout(refresh, QUIET_MS);
    document.addEventListener("visibilitychange", look);
    addEventListener("online", wake);
    addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
    document.addEventListener("click", stop, true);
    document.addEventListener("submit", (event) => { if (away.since && event.target.method === "post") event.preventDefault(); }, true);
  }
  tick(tellAge);
  tellAge();
};
