// The line to the program. A view wishes one thing at a time, in order, each with a number; `heard` says which numbers
// were heard, and comes after whatever they changed. A wish that was lost on the way is sent again: nothing is done twice.

const WORD_AFTER = 150, SLOW_AFTER = 3000; // ms: before "working" is written, before "no answer yet"
const WAITS = { pending: "Working", slow: "No answer yet", lost: "Not connected: reload this page" };
const ENDED = ["restarting", "autorestarting", "terminating", "dead"]; // a program that comes back knows nothing of us

// model: of the widget; changed: called whenever what waits, or the state of the line, may be another.
function lineTo(model, el, changed) {
  const view = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
  const kernel = model.widget_manager?.kernel;
  let last = 0, under = null, ended = false;
  const queue = [], timers = new Set();

  const waiting = () => [under, ...queue].filter((wish) => wish && !wish.quiet);
  const since = () => (waiting().length ? Date.now() - Math.min(...waiting().map((wish) => wish.at)) : 0);
  function connected() {
    if (kernel && ENDED.includes(kernel.status)) ended = true;
    if (ended || kernel?.isDisposed || el.closest(".jupyter-widgets-disconnected")) return false;
    return !kernel || kernel.connectionStatus === undefined || kernel.connectionStatus === "connected";
  }
  function later(ms) {
    const timer = setTimeout(() => { timers.delete(timer); changed(); }, ms + 5);
    timers.add(timer);
  }
  const send = () => model.send(under.content, undefined, under.buffers);
  function next() {
    under = queue.shift() ?? null;
    if (under) send();
  }
  function answered() {
    if (under && (model.get("heard")[view] ?? 0) >= under.content.n) { const done = under; next(); done.heard?.(); }
    changed();
  }
  function status() {
    if (connected() && under) send(); // it may have been lost while the line was down
    changed();
  }
  const signals = [kernel?.statusChanged, kernel?.connectionStatusChanged, kernel?.disposed];
  const listen = (signal) => { if (signal === kernel?.statusChanged) { connected(); changed(); } else status(); };
  const listeners = signals.map((signal) => () => listen(signal));
  signals.forEach((signal, at) => signal?.connect(listeners[at]));
  model.on("change:heard", answered);

  return {
    view,
    // The number of the wish. A wish with the key of one that still waits takes its place: only the last text of a box
    // matters. A quiet one asks for more about what is shown already, so nothing is marked as old for it.
    ask(content, { key, quiet = false, buffers, heard } = {}) {
      const at = queue.findIndex((wish) => key !== undefined && wish.key === key);
      const before = at < 0 ? null : queue.splice(at, 1)[0];
      queue.push({ key, quiet, buffers, heard, at: before?.at ?? Date.now(), content: { ...content, view, n: ++last } });
      if (!under) next();
      if (!quiet) { later(WORD_AFTER); later(SLOW_AFTER); }
      changed();
      return last;
    },
    name: () => `${view}-${last + 1}`, // that of the next wish
    waiting: () => waiting().map((wish) => wish.content),
    asks: (ask) => [under, ...queue].some((wish) => wish?.content.ask === ask),
    quick: () => since() < WORD_AFTER,
    state: () => (!connected() ? "lost" : !waiting().length ? "settled" : since() < SLOW_AFTER ? "pending" : "slow"),
    end() {
      timers.forEach(clearTimeout);
      signals.forEach((signal, at) => signal?.disconnect(listeners[at]));
      model.off("change:heard", answered);
    },
  };
}
