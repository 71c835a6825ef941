// Work that is asked for often and done now and then: at once, then at most once in so many milliseconds, never twice at
// a time, and once more after the last time it was asked for. A debounce would wait for a silence that may never come.

export const paced = (work, everyMs) => {
  let timer = 0, running = false, asked = false, began = -Infinity;
  const run = async () => {
    timer = 0;
    asked = false;
    running = true;
    began = performance.now();
    try {
      await work();
    } finally {
      running = false;
      if (asked) wake();
    }
  };
  const wake = () => {
    asked = true;
    if (running || timer) return;
    timer = setTimeout(run, Math.max(0, began + everyMs - performance.now()));
  };
  return wake;
};
