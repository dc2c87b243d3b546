// The cohort explorer in the browser: native controls, so that keyboard and screen reader work as everywhere.
// It sends the state that is wished for and draws what Python answers; it decides nothing. parts.js stands above.

const POLICY = { both: "both ends", fail: "unknown is fail", pass: "unknown is pass" };
const SIGN = { "<=": "≤", ">=": "≥" };
const ORDER = { protocol: "as in the protocol", greedy: "costliest first" };

function render({ model, el }) {
  const about = model.get("layout_"), uid = `tt-explorer-${++views}`;
  const line = lineTo(model, el, () => { answered(); drawn(); });
  let state = structuredClone(model.get("answer").state);
  let tab = model.get("panel").tab, threshold = model.get("answer").threshold;
  const ask = () => line.ask({ ask: "state", state: structuredClone(state), tab, threshold }, { key: "state" });
  const change = (edit) => { edit(state); ask(); };

  const top = topBar(line, about, change, () => { state.off = []; state.readings = {}; state.texts = {}; state.thresholds = {};
    state.brush = ""; state.unknowns = "both"; state.order = "protocol"; ask(); });
  const rows = about.criteria.map((criterion) => criterionRow(criterion, uid, () => state, change));
  const brush = brushBox(about, uid, change);
  const order = list("Order", Object.entries(ORDER), (value) => change((state) => { state.order = value; }));
  const which = list("Threshold", [], (id) => { threshold = id; ask(); });
  const view = figurePane(about, uid, (name) => { tab = name; ask(); }, [order.node, which.node]);
  let known = "";
  const left = h("div", { class: "pane criteria", role: "group", "aria-label": "Criteria" },
    h("h4", {}, "Criteria", h("span", { class: "aside" }, "eligible if switched: certain · possible")), ...rows.map((row) => row.node));
  const root = h("section", { class: "tt-explorer", id: uid, "aria-label": `Cohort explorer, ${about.protocol}` },
    top.node, brush.node, h("div", { class: "panes" }, left, view.node));
  el.append(root);

  const answered = () => {
    const answer = model.get("answer");
    if (line.waiting().length) return;
    // what is being typed stays as typed; all else is as Python took it
    const bad = Object.fromEntries(Object.keys(answer.errors).filter((id) => id in state.texts).map((id) => [id, state.texts[id]]));
    const typed = state.brush;
    state = structuredClone(answer.state);
    Object.assign(state.texts, bad);
    if (answer.errors.brush) state.brush = typed;
    threshold = answer.threshold;
    top.draw(answer); brush.draw(answer);
    rows.forEach((row, place) => row.draw(answer.rows[place], answer.errors[about.criteria[place].id] ?? ""));
    order.select.value = answer.state.order;
    if (known !== answer.thresholds.join()) { known = answer.thresholds.join(); which.fill(answer.thresholds.map((id) => [id, id])); }
    which.select.value = answer.threshold;
  };
  const drawn = () => {
    const panel = model.get("panel");
    if (line.waiting().length) return;
    tab = panel.tab;
    order.node.hidden = tab !== "flow";
    which.node.hidden = tab !== "sweep";
    view.draw(panel);
  };
  const on = { "change:answer": answered, "change:panel": drawn, "change:notice": () => top.notice(model.get("notice")) };
  for (const [event, action] of Object.entries(on)) model.on(event, action);
  answered(); drawn();
  return () => { for (const [event, action] of Object.entries(on)) model.off(event, action); view.end(); line.end(); };
}

// --- top: the interval, always in sight -------------------------------------------------------------------------------

function topBar(line, about, change, reset) {
  const screened = h("span", { class: "screened" }), sure = h("i", { class: "sure" }), open = h("i", { class: "open" });
  const line = h("span", { class: "ends", role: "status", "aria-live": "polite", "aria-atomic": "true" });
  const policy = list("Unknown", Object.entries(POLICY), (value) => change((state) => { state.unknowns = value; }));
  const said = h("span"), text = h("textarea", { readonly: true, rows: 7, "aria-label": "Text to copy", hidden: true });
  const board = h("div", { class: "notice", role: "status", hidden: true }, said, text);
  const file = h("input", { type: "file", accept: ".json", "aria-label": "Restore a saved state", onchange: async () => {
    if (file.files[0]) line.ask({ ask: "restore", text: await file.files[0].text() });
    file.value = "";
  } });
  return {
    node: h("div", { class: "top" },
      h("div", { class: "row" }, screened, h("span", { class: "scale", "aria-hidden": "true" }, open, sure), line,
        about.synthetic ? h("span", { class: "synthetic" }, "SYNTHETIC") : null),
      h("div", { class: "row" }, policy.node, button("Copy as YAML", () => line.ask({ ask: "yaml" }, { quiet: true })),
        button("Save state", () => line.ask({ ask: "save" }, { quiet: true })), h("label", { class: "file" }, "Restore state", file),
        button("Reset to protocol", reset)), board),
    draw(answer) {
      const of = answer.n === answer.of ? "" : ` of ${count(answer.of)}`;
      say(screened, `${count(answer.n)}${of} screened`);
      const share = (n) => `${answer.n ? (100 * n) / answer.n : 0}%`;
      sure.style.width = share(answer.certain); open.style.width = share(answer.possible);
      say(line, `CERTAIN ${count(answer.certain)} — eligible — POSSIBLE ${count(answer.possible)}`);
      policy.select.value = answer.state.unknowns;
    },
    notice(notice) {
      if (!notice.n) return;
      board.hidden = false;
      board.classList.toggle("wrong", notice.wrong);
      const href = notice.content ? URL.createObjectURL(new Blob([notice.content], { type: "text/plain" })) : "";
      said.replaceChildren(notice.text, " ", ...(href ? [h("a", { href, download: notice.name }, `Save ${notice.name}`), " "] : []),
        button("Close", () => { board.hidden = true; }));
      text.hidden = !notice.content;
      text.value = notice.content ?? "";
      if (notice.content) navigator.clipboard?.writeText(notice.content).then(() => said.append(" Copied."), () => text.select());
    },
  };
}

// --- left: what each criterion says -----------------------------------------------------------------------------------

function criterionRow(criterion, uid, current, change) {
  const id = criterion.id, own = (name) => name.split(".")[0] === id;
  const forget = (numbers) => { for (const name of Object.keys(numbers)) if (own(name)) delete numbers[name]; };
  const on = h("input", { type: "checkbox", id: `${uid}-${id}`, ...OWN_KEYS, onchange: () => change((state) => {
    state.off = state.off.filter((other) => other !== id).concat(on.checked ? [] : [id]);
  }) });
  const gain = h("span", { class: "gain" }), mark = h("span", { class: "mark" });
  const back = button("Put back", () => change((state) => {
    state.off = state.off.filter((other) => other !== id);
    delete state.texts[id]; delete state.readings[id]; forget(state.thresholds);
    text.value = ""; said = "";
  }), { class: "back", "aria-label": `Put ${id} back` });
  const reading = criterion.readings.length ? list("read as", criterion.readings.map((name) => [name, name.replaceAll("_", " ")]), (value) => change((state) => {
    state.readings[id] = value; delete state.texts[id]; forget(state.thresholds);
  })) : null;
  const numbers = h("div", { class: "numbers" });
  let shape = null, said = null, inputs = [];
  const text = h("input", { type: "text", class: "wording", spellcheck: "false", autocomplete: "off", "aria-label": `${id} in the language of criteria`,
    "aria-describedby": `${uid}-${id}-error`, oninput: () => change((state) => {
      state.texts[id] = text.value; forget(state.thresholds);
      if (!text.value.trim() || text.value === said) delete state.texts[id];
    }) });
  const error = h("pre", { class: "error", id: `${uid}-${id}-error`, role: "status" });
  const node = h("div", { class: "criterion", "data-criterion": id },
    h("div", { class: "head" }, on, h("label", { for: on.id, title: criterion.quote }, h("b", {}, id), " ", criterion.label), mark, gain, back),
    reading?.node, numbers, h("details", {}, h("summary", OWN_KEYS, "wording"), text, h("p", { class: "aside" }, criterion.quote)), error);

  function control(about) {
    const range = about.low === null ? null : h("input", { type: "range", min: about.low, max: about.high, step: about.step, ...OWN_KEYS, "aria-label": `${about.threshold}, ${about.label}, slider` });
    const box = h("input", { type: "number", step: "any", min: about.low, max: about.high, ...OWN_KEYS, id: `${uid}-${about.threshold}` });
    const set = (value) => { if (value !== "" && isFinite(value)) change((state) => { state.thresholds[about.threshold] = Number(value); }); };
    box.addEventListener("input", () => { if (range) range.value = box.value; set(box.value); });
    range?.addEventListener("input", () => { box.value = range.value; set(range.value); });
    inputs.push({ draw(now) { for (const each of [box, range]) if (each && each !== document.activeElement && (each.value === "" || Number(each.value) !== now.value)) each.value = now.value; } });
    return h("div", { class: "threshold" }, h("label", { for: box.id }, `${about.label} ${SIGN[about.operator] ?? about.operator}`), box, h("span", { class: "aside" }, about.unit), range);
  }
  return {
    node,
    draw(row, wrong) {
      on.checked = row.on;
      node.classList.toggle("off", !row.on);
      node.classList.toggle("changed", row.changed);
      say(mark, row.on ? (row.changed ? "changed" : "") : "off");
      back.hidden = !row.changed && !wrong;
      say(gain, `${signed(row.gain[0])} · ${signed(row.gain[1])}`);
      gain.title = `${row.on ? "if dropped" : "if switched on"}: certain ${signed(row.gain[0])}, possible ${signed(row.gain[1])}; pass ${count(row.states[0])}, fail ${count(row.states[1])}, unknown ${count(row.states[2])}`;
      const now = row.thresholds.map((each) => each.threshold + each.operator).join();
      if (now !== shape) { shape = now; inputs = []; numbers.replaceChildren(...row.thresholds.map(control)); }
      row.thresholds.forEach((each, place) => inputs[place].draw(each));
      said = row.was;
      if (reading) reading.select.value = row.reading;
      if (!wrong && text !== document.activeElement) text.value = row.text;
      text.setAttribute("aria-invalid", String(Boolean(wrong)));
      say(error, wrong);
    },
  };
}

function brushBox(about, uid, change) {
  const input = h("input", { type: "text", id: `${uid}-brush`, list: `${uid}-choices`, spellcheck: "false", autocomplete: "off", placeholder: "everybody",
    "aria-describedby": `${uid}-brush-error`, oninput: () => change((state) => { state.brush = input.value.trim(); }) });
  const error = h("pre", { class: "error", id: `${uid}-brush-error`, role: "status" });
  return {
    node: h("div", { class: "brush" }, h("label", { for: input.id }, "Only those where"), input,
      h("datalist", { id: `${uid}-choices` }, ...about.choices.map((value) => h("option", { value }))),
      button("Everybody", () => change((state) => { state.brush = input.value = ""; })), error),
    draw(answer) {
      if (input !== document.activeElement && !answer.errors.brush) input.value = answer.state.brush;
      input.setAttribute("aria-invalid", String("brush" in answer.errors));
      say(error, answer.errors.brush ?? "");
    },
  };
}

export default { render };
