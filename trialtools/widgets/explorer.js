// The cohort explorer in the browser: it sends one edit at a time and draws what Python answers; it decides nothing.
// Any number of views of one explorer follow each other. line.js, parts.js and figure.js stand above.

const POLICY = { both: "both: at least, at most", fail: "not eligible", pass: "eligible" };
const ORDER = { protocol: "of the protocol", greedy: "costliest first" };

function render({ model, el }) {
  const about = model.get("layout_"), uid = `tt-explorer-${++views}`;
  const line = lineTo(model, el, () => draw());
  const change = (place, wish) => line.ask({ ...wish, place }, { key: place });
  const places = new Map(); // of every wish that waits, what its control shows

  const head = headLine(about, change);
  const top = topBar(model, about, line);
  const rows = about.criteria.map((criterion) => criterionRow(criterion, uid, change));
  const order = list("Order", Object.entries(ORDER), (value) => change("order", { ask: "order", value }));
  const which = list("Limit", [], (threshold) => change("which", { ask: "which", threshold }));
  const view = figurePane(model, line, about.questions, uid, (tab) => change("tab", { ask: "tab", tab }), [order.node, which.node]);
  const left = h("div", { class: "pane criteria", role: "group", "aria-label": "Criteria" },
    h("h4", {}, h("span", {}, "Criteria"), h("span", { class: "gains note" }, h("span", {}, "eligible without it:"), h("span", {}, "at least"), h("span", {}, "at most"))), ...rows.map((row) => row.node));
  const panes = h("div", { class: "panes" }, left, view.node);
  const faces = [["criteria", "Criteria"], ["figure", "Figure"]].map(([face, words]) => button(words, () => show(face), { "data-face": face }));
  const show = (face) => { panes.dataset.face = face; for (const each of faces) each.setAttribute("aria-pressed", String(each.dataset.face === face)); };
  const root = h("section", { class: "tt tt-explorer", id: uid, "aria-label": `Cohort explorer, ${about.protocol}` },
    button("Go to the figure", () => { show("figure"); view.node.querySelector("[role=tab]").focus(); }, { class: "skip" }), top.node, head.node, h("div", { class: "faces" }, ...faces), panes);
  show("criteria");
  el.append(root);

  let limits = "";
  function draw() {
    const answer = model.get("answer"), panel = model.get("panel");
    places.clear();
    for (const wish of line.waiting()) places.set(wish.place ?? wish.ask, wish);
    rows.forEach((row, at) => row.draw(answer.rows[at], answer.faults, places));
    const movable = JSON.stringify(answer.movable);
    if (limits !== movable) { limits = movable; which.fill(answer.movable); }
    for (const [control, name] of [[order, "order"], [which, "threshold"]]) control.select.value = name === "order" ? answer.edits.order : answer.threshold;
    order.node.hidden = answer.tab !== "flow";
    which.node.hidden = answer.tab !== "sweep";
    const waits = line.state(), apart = rows.some((row, at) => row.differs(answer.rows[at], answer.faults));
    const state = waits === "settled" && apart ? "apart" : waits;
    root.dataset.state = state;
    head.draw(answer, state, line.quick(), places);
    top.draw();
    view.old(state !== "settled" || panel.step !== answer.step);
    if (panel.step === answer.step || panel.tab !== answer.tab) view.draw(panel);
  }
  const events = ["answer", "panel", "notice"].map((name) => `change:${name}`);
  for (const event of events) model.on(event, draw);
  draw();
  line.ask({ ask: "ready" }, { quiet: true });
  return () => { for (const event of events) model.off(event, draw); view.end(); line.end(); };
}

// --- above: what can be done with the whole, and how many are eligible ------------------------------------------------

function topBar(model, about, line) {
  const file = h("input", { type: "file", accept: ".json", ...OWN_KEYS, onchange: async () => {
    if (file.files[0]) line.ask({ ask: "open", text: await file.files[0].text() });
    file.value = "";
  } });
  const notice = noticeBoard(model, ({ name, content }) => {
    if (!content) return [];
    const text = h("textarea", { readonly: true, rows: 7, "aria-label": "Text to copy" }), copied = h("span", {});
    text.value = content;
    navigator.clipboard?.writeText(content).then(() => say(copied, "Copied."), () => text.select());
    return [h("a", { href: URL.createObjectURL(new Blob([content], { type: "text/plain" })), download: name }, `Save ${name}`), copied, text];
  });
  return {
    node: h("div", {}, h("div", { class: "top" }, button("Back to the protocol", () => line.ask({ ask: "reset" })),
      button("Save …", () => line.ask({ ask: "save" }, { quiet: true })), h("label", { class: "file" }, "Open …", file),
      button("Copy as a protocol file", () => line.ask({ ask: "yaml" }, { quiet: true })),
      h("span", { class: "source note" }, about.patients, about.synthetic ? h("span", { class: "tag" }, "SYNTHETIC") : null)), notice.node),
    draw: notice.draw,
  };
}

function headLine(about, change) {
  const headline = h("h2", { class: "headline", role: "status", "aria-live": "polite" }), differs = h("p", { class: "note" });
  const sure = h("i", { class: "sure" }), may = h("i", { class: "may" }), parts = h("div", { class: "parts note" });
  const brush = h("input", { type: "text", spellcheck: "false", autocomplete: "off", placeholder: "everybody", oninput: () => change("brush", { ask: "brush", text: brush.value }) });
  const choices = h("datalist", { id: `tt-choices-${++views}` }, ...about.choices.map((value) => h("option", { value })));
  brush.setAttribute("list", choices.id);
  const error = h("pre", { class: "error", role: "status" });
  const policy = list("Open patients count as", Object.entries(POLICY), (value) => change("unknowns", { ask: "unknowns", value }));
  const part = (kind, text) => h("span", {}, h("i", { class: kind, "aria-hidden": "true" }), text);
  return {
    node: h("div", { class: "head" }, h("div", { class: "sentence" }, headline, differs),
      h("div", { class: "scale" }, h("div", { class: "bar", "aria-hidden": "true" }, sure, may), parts),
      h("div", { class: "who" }, slot("Only patients with", brush), choices, policy.node), error),
    draw(answer, state, quick, places) {
      const waits = state !== "settled" && !(state === "pending" && quick);
      say(headline, state === "lost" ? WAITS.lost : answer.headline);
      say(differs, !waits ? answer.differs : { pending: "Working: the numbers are of the state before.", slow: "No answer yet. The program is busy; the numbers are of the state before.",
        lost: "Nothing more is counted. In a notebook, run the cell again.", apart: "A box shows another value than the one that is counted: type it again, or leave the box." }[state]);
      const share = (n) => `${answer.n ? (100 * n) / answer.n : 0}%`, open = answer.possible - answer.certain;
      sure.style.width = share(answer.certain); may.style.width = share(open);
      parts.replaceChildren(part("sure", `${count(answer.certain)} eligible${open ? " on known facts" : ""}`), ...(open ? [part("may", `${count(open)} open: something is not known`)] : []),
        part("out", `${count(answer.n - answer.possible)} not eligible`));
      policy.select.value = places.get("unknowns")?.value ?? answer.edits.unknowns;
      const fault = answer.faults.brush;
      if (brush !== document.activeElement) brush.value = places.get("brush")?.text ?? fault?.typed ?? answer.edits.brush;
      brush.setAttribute("aria-invalid", String(Boolean(fault)));
      say(error, fault?.why ?? "");
    },
  };
}

// --- left: what each criterion says -----------------------------------------------------------------------------------

function criterionRow(criterion, uid, change) {
  const id = criterion.id;
  const on = h("input", { type: "checkbox", id: `${uid}-${id}`, ...OWN_KEYS, onchange: () => change(`off ${id}`, { ask: "off", criterion: id, on: on.checked }) });
  const gains = [h("span", { class: "gain" }), h("span", { class: "gain" })], mark = h("span", { class: "mark" });
  const back = button(`Put ${id} back`, () => change(`back ${id}`, { ask: "back", criterion: id }), { class: "back" });
  const reading = criterion.readings.length ? list("read as", criterion.readings, (value) => change(`reading ${id}`, { ask: "reading", criterion: id, reading: value })) : null;
  reading?.select.setAttribute("aria-label", `${id} read as`);
  const numbers = h("div", { class: "numbers" });
  const text = h("input", { type: "text", class: "wording", spellcheck: "false", autocomplete: "off", "aria-label": `${id} in the language of criteria`,
    "aria-describedby": `${uid}-${id}-error`, oninput: () => change(`text ${id}`, { ask: "text", criterion: id, text: text.value }) });
  const error = h("pre", { class: "error", id: `${uid}-${id}-error`, role: "status" });
  const node = h("div", { class: "criterion", "data-criterion": id },
    h("div", { class: "line" }, on, h("label", { for: on.id, title: criterion.quote }, h("b", {}, id), " ", criterion.label), mark, ...gains),
    numbers, reading?.node, back, h("details", {}, h("summary", OWN_KEYS, "wording"), text, h("p", { class: "note" }, criterion.quote)), error);
  let shape = "", controls = [];
  return {
    node,
    draw(row, faults, places) {
      const pending = places.has(`back ${id}`) || places.has("reset");
      on.checked = places.get(`off ${id}`)?.on ?? row.on;
      node.classList.toggle("off", !row.on);
      node.classList.toggle("changed", row.changed);
      say(mark, row.on ? (row.changed ? "changed" : "") : "off");
      row.gain.forEach((gain, at) => say(gains[at], signed(gain)));
      gains[0].title = gains[1].title = `${row.on ? "if dropped" : "if switched on"}: at least ${signed(row.gain[0])}, at most ${signed(row.gain[1])}; passed ${count(row.states[0])}, failed ${count(row.states[1])}, open ${count(row.states[2])}`;
      const now = row.limits.map((limit) => limit.threshold + limit.word).join();
      if (now !== shape) { shape = now; controls = row.limits.map((limit) => limitControl(limit, uid, change)); numbers.replaceChildren(...controls.map((each) => each.node)); }
      row.limits.forEach((limit, at) => controls[at].draw(limit, faults[limit.threshold], places.get(limit.threshold), pending));
      if (reading) reading.select.value = places.get(`reading ${id}`)?.reading ?? row.reading;
      const fault = faults[id], own = row.limits.map((limit) => faults[limit.threshold]).filter(Boolean);
      if (text !== document.activeElement || pending) text.value = places.get(`text ${id}`)?.text ?? (fault?.typed || row.text);
      text.setAttribute("aria-invalid", String(Boolean(fault?.typed)));
      back.hidden = !row.changed && !fault && !own.length;
      say(error, [fault, ...own].filter(Boolean).map((each) => each.why).join("\n"));
    },
    differs: (row, faults) => row.limits.some((limit, at) => controls[at].differs(limit, faults[limit.threshold])),
  };
}

// A box and a slider for one limit. The box may hold what is no number; the slider stays at the last good one.
function limitControl(limit, uid, change) {
  const name = limit.threshold;
  const send = (value) => change(name, { ask: "threshold", threshold: name, text: String(value) });
  const range = limit.low === null ? null : h("input", { type: "range", min: limit.low, max: limit.high, step: limit.step, ...OWN_KEYS, "aria-label": `${limit.name}, slider`, oninput: () => { box.value = range.value; send(range.value); } });
  const box = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", ...OWN_KEYS, id: `${uid}-${name}`, "aria-label": limit.name,
    oninput: () => send(box.value), onkeydown: (event) => {
      const step = { ArrowUp: limit.step, ArrowDown: -limit.step }[event.key];
      if (!step || box.value.trim() === "" || !isFinite(box.value)) return;
      event.preventDefault();
      const moved = Number((Number(box.value) + step).toPrecision(12));
      box.value = limit.low === null ? moved : Math.max(limit.low, Math.min(limit.high, moved));
      send(box.value);
    } });
  const shows = (now, fault) => fault?.typed ?? String(now.value);
  return {
    node: h("div", { class: "limit" }, h("label", { for: box.id }, limit.word), box, h("span", { class: "note" }, limit.unit), range),
    draw(now, fault, waiting, pending) {
      const value = waiting?.text ?? shows(now, fault);
      if ((box !== document.activeElement || pending) && box.value !== value && !(Number(box.value) === Number(value) && value !== "" && box.value !== "")) box.value = value;
      if (range && range !== document.activeElement) range.value = now.value;
      box.setAttribute("aria-invalid", String(Boolean(fault)));
    },
    differs: (now, fault) => { const value = shows(now, fault); return box.value.trim() !== value.trim() && (box.value.trim() === "" || value === "" || Number(box.value.replace(",", ".")) !== Number(value)); },
  };
}

export default { render };
