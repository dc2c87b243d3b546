// The screening desk in the browser: it sends what was typed and draws what Python answers; it decides nothing.
// An answer is shown as settled only where it was made of what the card shows. Above stand line.js, parts.js, card.js …

const PAUSE = 180; // ms without typing, before the slower questions are asked
const OPENS = ["choose", "blank", "reset", "back"]; // wishes that bring another card

function render({ model, el }) {
  const layout = model.get("layout_"), uid = `tt-desk-${++views}`, kept = `trialtools-desk-${layout.protocol}`;
  const line = lineTo(model, el, () => draw());
  let card = model.get("answer").card; // the name of the card that this view stands on, or has asked for
  let timer;

  const open = (ask, more = {}) => { card = line.name(); line.ask({ ask, card, ...more }); };
  const type = (field, text) => line.ask({ ask: "edit", card, field, text }, { key: `edit ${card} ${field}` });
  const filter = (filters) => line.ask({ ask: "list", filters }, { key: "list", quiet: true });
  const choose = (id) => { open("choose", { id }); panes.scrollIntoView({ block: "nearest" }); };

  const desk = patientCard(layout, uid, type, () => setTimeout(draw));
  const verdict = verdictPane(desk.focus, [
    button("Start again with these entries", () => { sessionStorage.setItem(kept, JSON.stringify(desk.shown())); startAgain(root); }, { class: "first" }),
    button("Copy the entries", () => navigator.clipboard?.writeText(JSON.stringify(desk.shown(), null, 1))),
  ]);
  const table = openTable(model, layout, uid, line);
  const top = topRow(model, uid, table, { open, choose });
  const readings = readingsFold(model, layout, uid, (criterion, reading) => line.ask({ ask: "read", criterion, reading }, { key: `read ${criterion}` }));
  const roster = decisionsTable(model, layout, { wish: filter, choose, save: () => line.ask({ ask: "export" }) });
  const panes = h("div", { class: "panes" }, desk.node, verdict.node);
  const root = h("section", { class: "tt tt-desk", id: uid, "aria-label": `Screening desk, ${layout.protocol}` },
    button("Go to the verdict", () => verdict.node.focus(), { class: "skip" }), top.node, readings.node, panes, roster.node);
  verdict.node.tabIndex = -1;
  el.append(root);

  function draw() {
    const answer = model.get("answer"), waiting = line.waiting();
    if (answer.card !== card && !waiting.some((wish) => OPENS.includes(wish.ask) && wish.card === card)) card = answer.card;
    const typed = Object.fromEntries(waiting.filter((wish) => wish.ask === "edit" && wish.card === card).map((wish) => [wish.field, wish.text]));
    if (answer.card === card) { desk.fill({ ...answer.entries, ...typed }); desk.mark(answer); }
    else if (!line.quick()) desk.fill(typed); // the facts of one patient do not stand for long under the name of another
    const chosen = Object.fromEntries(waiting.filter((wish) => wish.ask === "read").map((wish) => [wish.criterion, wish.reading]));
    readings.draw({ ...answer.readings, ...chosen });
    const state = stateOf(answer);
    root.dataset.state = state;
    verdict.draw(answer, state === "pending" && line.quick() ? "settled" : state, aboutWaiting(state, answer));
    verdict.advise(model.get("advice"), state === "settled" && model.get("advice").n === answer.n);
    top.draw(answer, state);
    roster.draw(String(model.get("table").of) === String(answer.of), line.asks("list"));
    clearTimeout(timer);
    timer = setTimeout(more, PAUSE);
  }
  // Settled is only what was judged as it stands here: this card, these entries, these readings.
  function stateOf(answer) {
    const state = line.state();
    if (state !== "settled") return state;
    return answer.card === card && !desk.differs(answer.entries) && !readings.differs(answer.readings) ? "settled" : "apart";
  }
  function aboutWaiting(state, answer) {
    const last = line.waiting().at(-1) ?? {}, labels = layout.labels;
    const what = last.ask === "edit" ? `${labels[last.field]} is now ${last.text || "not known"}. ` : last.ask === "choose" ? `${last.id} is being opened. ` : "";
    if (state === "lost") return "Nothing more is checked. What you typed is still here. In a notebook, run the cell again.";
    if (state === "apart") {
      const field = desk.differs(answer.entries);
      return field ? `${labels[field]}: what stands there was typed on another card. Type it again, or leave the box.` : "A reading is shown that was not used.";
    }
    return `${what}${state === "slow" ? "The program is busy. " : ""}What stands below is of the card before.`;
  }
  // The slower questions, once nothing is typed any more.
  function more() {
    const answer = model.get("answer"), quiet = { quiet: true };
    if (line.state() !== "settled") return;
    if (model.get("advice").n !== answer.n && !line.asks("advice")) line.ask({ ask: "advice" }, { key: "advice", ...quiet });
    if (model.get("source").name && String(model.get("table").of) !== String(answer.of) && !line.asks("list")) filter(roster.filters());
  }

  const events = ["answer", "advice", "source", "table", "draft", "notice"].map((name) => `change:${name}`);
  for (const event of events) model.on(event, draw);
  const untake = takeFiles(model, line);
  line.ask({ ask: "ready" }, { quiet: true });
  const before = JSON.parse(sessionStorage.getItem(kept) ?? "null");
  sessionStorage.removeItem(kept);
  for (const [field, text] of Object.entries(before ?? {})) type(field, text);
  draw();
  return () => { clearTimeout(timer); for (const event of events) model.off(event, draw); untake(); line.end(); };
}

// A page starts its program anew when it is loaded; in a notebook somebody has to run the cell.
function startAgain(root) {
  if (!root.closest(".jp-NotebookPanel")) location.reload();
}

// --- above: which patient, which table, which readings -----------------------------------------------------------------

function topRow(model, uid, table, { open, choose }) {
  const ids = h("datalist", { id: `${uid}-ids` });
  const box = h("input", { type: "text", list: ids.id, placeholder: "id, as in the table", autocomplete: "off" });
  let asked = ""; // Enter is followed by a change of the box: one wish, not two
  const go = (again) => { const id = box.value.trim(); if (id && (again || id !== asked)) choose((asked = id)); };
  box.addEventListener("keydown", (event) => { if (event.key === "Enter") go(true); });
  box.addEventListener("change", () => go(false));
  const about = h("div", { class: "source note" });
  const notice = noticeBoard(model, (told) => [told.aside ? button("Bring it back", () => open("back")) : null].filter(Boolean));
  let listed;
  return {
    node: h("div", {}, h("div", { class: "top" }, slot("Patient", box), ids, button("New patient", () => open("blank")),
      button("Reset", () => open("reset"), { title: "The card as the record has it, the readings as at the start" }), table.button, about), notice.node, table.node),
    draw(answer, state) {
      const source = model.get("source");
      notice.draw(); table.draw();
      if (state === "settled" && box !== document.activeElement) box.value = asked = answer.id;
      if (source === listed) return;
      listed = source;
      about.replaceChildren(source.name ? `${source.name} · ${count(source.n)} patients` : "no table is open");
      if (source.synthetic) about.append(h("span", { class: "tag" }, "SYNTHETIC"));
      ids.replaceChildren(...(source.ids ?? []).map((id) => h("option", { value: id })));
    },
  };
}

function readingsFold(model, layout, uid, choose) {
  const first = { ...model.get("answer").readings };
  const summary = h("summary", OWN_KEYS);
  const rows = layout.ambiguous.map((criterion) => {
    const id = `${uid}-reading-${criterion.id}`;
    const select = h("select", { id, title: criterion.why, ...OWN_KEYS, onchange: () => choose(criterion.id, select.value) },
      ...Object.keys(criterion.options).map((name) => h("option", { value: name }, plain(name))));
    const words = h("span", { class: "words note" });
    const node = h("div", { class: "row" }, h("label", { for: id, title: criterion.quote }, `${criterion.id} ${criterion.label}`), select, words);
    return { ...criterion, select, words, node };
  });
  return {
    node: h("details", { class: "readings", hidden: !rows.length }, summary, ...rows.map((row) => row.node)),
    differs: (readings) => rows.find((row) => row.select.value !== readings[row.id])?.id,
    draw(chosen) {
      const changed = rows.filter((row) => chosen[row.id] !== first[row.id]);
      for (const row of rows) {
        if (row.select.value !== chosen[row.id]) row.select.value = chosen[row.id];
        say(row.words, row.options[chosen[row.id]]);
        row.words.title = row.options[chosen[row.id]];
        row.node.classList.toggle("changed", changed.includes(row));
      }
      const told = changed.map((row) => `${row.id} as “${plain(chosen[row.id])}”`).join(", ");
      say(summary, `${rows.length} unclear sentences: ${told ? `read here ${told}, the others as at the start` : "how they are read here"}`);
    },
  };
}

export default { render };
