// Numbers, times and the text of others, as the server's pages say them (pages/words.py, pages/foreign.py).

export const digits = (value) => `${+value.toPrecision(3)}`;
export const percent = (value) => `${digits(value * 100)}%`;
export const ms = (value) => `${digits(value)} ms`;
export const times = (value) => `${digits(value)} times`;

const MANY = 1e6, SOME = 1.5;
export const odds = (value) => {
  if (value < SOME) return "none";
  if (value >= MANY) return "over a million to 1";
  return value >= 10 ? `${Math.round(value).toLocaleString("en-US")} to 1` : `${value.toFixed(1)} to 1`;
};

const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
export const duration = (seconds) => {
  for (const [length, unit] of STEPS) {
    if (seconds < length) continue;
    const count = seconds / length;
    return `${count < 10 ? count.toFixed(1).replace(/\.0$/, "") : count.toFixed(0)} ${unit}`;
  }
  return seconds > 0 ? `${(seconds * 1000).toFixed(0)} ms` : "0 s";
};

const HIDDEN = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
export const visible = (text) => text.replace(HIDDEN, (letter) => `\u27e8U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
