// A widget's model as anywidget hands it over, and a kernel of which a test sets the status.
async ([code, state]) => {
  const { default: screen } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const signal = () => { const all = []; return { connect: (f) => all.push(f), disconnect: (f) => all.splice(all.indexOf(f), 1), emit: () => all.forEach((f) => f()) }; };
  const kernel = { status: "idle", connectionStatus: "connected", statusChanged: signal(), connectionStatusChanged: signal(), disposed: signal() };
  const heard = {}, sent = [], { port1, port2 } = new MessageChannel();
  const turn = () => new Promise((come) => { port1.onmessage = come; port2.postMessage(0); });
  let stirred = () => {};
  // Time is the test's as well: when it stirs, the pause that would end first is over.
  const pauses = new Map(), { setTimeout: start, clearTimeout: stop } = window;
  window.setTimeout = (f, ms = 0, ...given) => {
    const over = () => { pauses.delete(id); f(...given); }, id = start(over, ms);
    if (ms < 1000) pauses.set(id, { over, at: Date.now() + ms });
    return id;
  };
  window.clearTimeout = (id) => { pauses.delete(id); stop(id); };
  const hurry = () => { const [id, { over }] = [...pauses].reduce((one, other) => (other[1].at < one[1].at ? other : one)); stop(id); over(); };
  const bytes = (text) => { const all = new Uint8Array(text.length); for (let at = 0; at < all.length; at += 1) all[at] = text.charCodeAt(at); return all; };
  const model = {
    widget_manager: { kernel },
    get: (name) => state[name],
    on: (event, f) => (heard[event] ??= []).push(f),
    off: (event, f) => { heard[event] = (heard[event] ?? []).filter((each) => each !== f); },
    send: (content, _, buffers) => { sent.push([structuredClone(content), (buffers ?? []).map((part) => [...new Uint8Array(part)])]); stirred(); },
  };
  window.bench = {
    kernel, sent,
    async deliver(messages) { for (const [kind, ...content] of messages) { bench[kind](...content); await turn(); } return sent.splice(0); },
    stir: (ms) => new Promise((come) => { stirred = come; if (pauses.size) hurry(); if (sent.length || pauses.size) come(); else start(come, ms); }),
    show() { const el = document.body.appendChild(document.createElement("div")); return screen.render({ model, el }); },
    status(status, connectionStatus) { Object.assign(kernel, { status, connectionStatus }); kernel.statusChanged.emit(); kernel.connectionStatusChanged.emit(); },
    update(name, value) { state[name] = value; for (const f of heard[`change:${name}`] ?? []) f(); },
    message(content, parts) { for (const f of heard["msg:custom"] ?? []) f(content, parts.map((part) => bytes(part).buffer)); },
  };
}
