// The screening desk in the browser: native controls, so that keyboard and screen reader work as everywhere.
// It sends what was typed and draws what Python answers; it decides nothing.

const UPLOAD_PART = 4_000_000;
const PAUSE = 180; // ms without typing, before the slower questions are asked
const SIGNS = { eligible: ["✓", "pass"], ineligible: ["✗", "fail"], undetermined: ["?", "unknown"] };
const HEADINGS = ["patient", "decision", "failed", "unknown", "open items"];
let views = 0;

function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

// JupyterLab takes letters and arrows for its own commands wherever no text is typed; this has to stand on the very
// element that has the focus.
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

// A control beside its label, which is no part of the control: a list inside its label would be named by all its options.
function slot(label, control) {
  control.id ||= `tt-desk-control-${++views}`;
  return h("div", { class: "slot" }, h("label", { for: control.id }, label), control);
}

function render({ model, el }) {
  const uid = `tt-desk-${++views}`;
  const ask = (wish, more = {}, buffers) => model.send({ ask: wish, ...more }, undefined, buffers);
  const card = patientCard(model, uid);
  const top = topRow(model, uid, ask);
  const readings = readingsFold(model, uid);
  const answer = answerPane(model, card.focus);
  const panes = h("div", { class: "panes" }, card.node, answer.node);
  const choose = (id) => { ask("choose", { id }); panes.scrollIntoView({ block: "nearest" }); };
  const roster = decisionsTable(model, choose, ask);
  const root = h("section", { class: "tt-desk", id: uid, "aria-label": `Screening desk, ${model.get("card").protocol}` },
    top.node, readings.node, panes, roster.node);
  el.append(root);

  let timer;
  const later = () => { clearTimeout(timer); timer = setTimeout(() => ask("advice"), PAUSE); };
  const on = {
    "change:answer": () => { answer.verdict(); card.mark(); top.name(); later(); },
    "change:advice": answer.advice,
    "change:filled": card.fill,
    "change:read_as": readings.draw,
    "change:readings": readings.draw,
    "change:source": () => { top.draw(); roster.draw(); },
    "change:table": roster.draw,
    "change:notice": () => { top.notice(); roster.notice(); },
  };
  for (const [event, action] of Object.entries(on)) model.on(event, action);
  card.fill(); card.mark(); answer.verdict(); answer.advice(); readings.draw(); top.draw(); roster.draw();
  ask("ready");
  return () => { clearTimeout(timer); for (const [event, action] of Object.entries(on)) model.off(event, action); };
}

// --- top: which patient, which table, which readings ---------------------------------------------------------------

function topRow(model, uid, ask) {
  const ids = h("datalist", { id: `${uid}-ids` });
  const chosen = h("input", { type: "text", list: ids.id, placeholder: "id, as in the table", autocomplete: "off" });
  let asked = "";
  const choose = (again) => {
    const id = chosen.value.trim();
    if (id && (again || id !== asked)) ask("choose", { id: asked = id });
  };
  chosen.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(true); });
  chosen.addEventListener("change", () => choose(false));
  const file = h("input", { type: "file", ...OWN_KEYS, accept: ".csv,.gz,.tsv,.parquet,.xlsx,.xls", onchange: () => {
    if (file.files[0]) upload(file.files[0], ask);
    file.value = "";
  } });
  const about = h("div", { class: "about aside" });
  const notice = noticeBoard(model, "top");
  const node = h("div", {},
    h("div", { class: "top" },
      slot("Patient", chosen), ids,
      h("button", { type: "button", ...OWN_KEYS, onclick: () => ask("blank") }, "Enter a new one"),
      h("button", { type: "button", ...OWN_KEYS, title: "The card as the record has it, the readings as in the protocol",
        onclick: () => ask("reset") }, "Reset"),
      h("label", { class: "file", title: "CSV, CSV.gz, Parquet or Excel; columns named like the fields" }, "Upload a table", file),
      about),
    notice.node);
  return {
    node,
    notice: notice.draw,
    name() {
      const { id } = model.get("answer");
      if (id !== asked) chosen.value = asked = id;
    },
    draw() {
      const source = model.get("source");
      about.replaceChildren(source.name ? `${source.name} · ${source.n.toLocaleString("en")} patients` : "no table loaded");
      if (source.synthetic) about.append(h("span", { class: "synthetic" }, "SYNTHETIC"));
      ids.replaceChildren(...(source.ids ?? []).map((id) => h("option", { value: id })));
    },
  };
}

// What a button has to say, beside that button: of a table that was read or not at the top, of an export at its button.
function noticeBoard(model, place) {
  const node = h("div", { class: "notice", role: "status" });
  return {
    node,
    draw() {
      const said = model.get("notice");
      node.className = said.wrong ? "notice wrong" : "notice";
      node.replaceChildren(said.place === place ? said.text : "");
      if (said.place === place && said.csv) {
        const href = URL.createObjectURL(new Blob([said.csv], { type: "text/csv" }));
        node.append("\n", h("a", { href, download: said.name }, `Save ${said.name} from this browser`));
      }
    },
  };
}

async function upload(file, ask) {
  const parts = Math.max(1, Math.ceil(file.size / UPLOAD_PART));
  for (let part = 0; part < parts; part++) {
    const piece = await file.slice(part * UPLOAD_PART, (part + 1) * UPLOAD_PART).arrayBuffer();
    ask("upload", { name: file.name, part, parts }, [piece]);
  }
}

function readingsFold(model, uid) {
  const ambiguous = model.get("card").ambiguous;
  const first = { ...model.get("readings") };
  const summary = h("summary", { ...OWN_KEYS });
  const rows = ambiguous.map((criterion) => {
    const id = `${uid}-reading-${criterion.id}`;
    const select = h("select", { id, title: criterion.why, ...OWN_KEYS, onchange: () => {
      model.set("readings", { ...model.get("readings"), [criterion.id]: select.value });
      model.save_changes();
    } }, ...criterion.options.map((name) => h("option", { value: name }, name.replaceAll("_", " "))));
    const says = h("span", { class: "says aside" });
    const node = h("div", { class: "row" }, h("label", { for: id, title: criterion.quote }, `${criterion.id} ${criterion.label}`), select, says);
    return { criterion, select, says, node };
  });
  return {
    node: h("details", { class: "readings", hidden: !ambiguous.length }, summary, ...rows.map((row) => row.node)),
    draw() {
      const chosen = model.get("readings"), read = model.get("read_as");
      const changed = rows.filter((row) => chosen[row.criterion.id] !== first[row.criterion.id]);
      for (const row of rows) {
        row.select.value = chosen[row.criterion.id];
        row.says.textContent = row.says.title = read[row.criterion.id]?.words ?? "";
        row.node.classList.toggle("changed", changed.includes(row));
      }
      const told = changed.map((row) => `${row.criterion.id} ${chosen[row.criterion.id].replaceAll("_", " ")}`).join(", ");
      summary.textContent = `Readings of ${rows.length} unclear sentences: ${told ? `${told}; the others as at the start` : "as at the start"}`;
    },
  };
}

// --- left: the patient card ------------------------------------------------------------------------------------------

function patientCard(model, uid) {
  const layout = model.get("card");
  const controls = {};
  const type = (name, text) => {
    const entries = { ...model.get("entries") };
    if (text === "") delete entries[name]; else entries[name] = text;
    model.set("entries", entries);
    model.save_changes();
  };
  const field = (about) => {
    const made = (about.kind === "text" ? textBox : about.kind === "list" ? list : buttons)(about, `${uid}-${about.name}`, type);
    controls[about.name] = made;
    return made.node;
  };
  const groups = layout.groups.flatMap((group) => [h("h5", {}, group.name), ...group.fields.map(field)]);
  const unasked = layout.unasked.length
    ? h("details", { class: "unasked" }, h("summary", { ...OWN_KEYS }, `Not asked by any criterion (${layout.unasked.length})`), ...layout.unasked.map(field))
    : null;
  return {
    node: h("div", { class: "pane known", role: "group", "aria-label": "What is known of the patient" },
      h("h4", {}, "What is known "),
      h("p", { class: "aside" }, "Empty means not known. Tab moves on; in a row of buttons use the arrows, or Y, N and ?."),
      ...groups, unasked),
    fill() {
      const entries = model.get("entries");
      for (const [name, control] of Object.entries(controls)) control.set(entries[name] ?? "");
    },
    mark() {
      const { remarks, inapplicable, idle } = model.get("answer");
      for (const [name, control] of Object.entries(controls)) {
        const off = inapplicable.includes(name);
        const why = off ? "does not apply" : remarks[name] ?? (idle.includes(name) && control.asked ? "not asked under these readings" : "");
        control.mark(why, off, name in remarks);
      }
    },
    focus(name) {
      const control = controls[name];
      control?.node.closest("details")?.setAttribute("open", "");
      control?.focus();
    },
  };
  function frame(about, id, label, box, more) {
    const remark = h("div", { class: "remark", id: `${id}-remark` });
    const node = h("div", { class: "field", "data-field": about.name }, label, h("div", { class: "box" }, box), remark);
    const asked = !layout.unasked.some((other) => other.name === about.name);
    return { node, remark, asked, ...more, mark(why, off, wrong) {
      if (remark.textContent !== why) remark.textContent = why;
      node.classList.toggle("off", off || (asked && why.startsWith("not asked")));
      more.state(off, wrong);
    } };
  }
  function textBox(about, id, type) {
    const date = about.type === "date";
    const input = h("input", { type: "text", id, class: date ? "date" : "", autocomplete: "off", spellcheck: "false",
      inputmode: date ? null : "decimal", placeholder: date ? "YYYY-MM-DD" : "not known", "aria-describedby": `${id}-about ${id}-remark`,
      oninput: () => type(about.name, input.value.trim()) });
    const title = [about.span && `possible: ${about.span} ${about.unit}`, about.note].filter(Boolean).join(". ");
    const box = h("span", { class: "box" }, input, h("span", { class: "unit" }, about.unit), h("span", { class: "hidden", id: `${id}-about` }, title));
    input.title = title;
    return frame(about, id, h("label", { for: id }, about.label, about.unit ? h("span", { class: "hidden" }, `, ${about.unit}`) : null), box, {
      set: (text) => { input.value = text; },
      focus: () => input.focus(),
      state(off, wrong) { input.disabled = off; input.setAttribute("aria-invalid", String(wrong)); },
    });
  }
  function list(about, id, type) {
    const select = h("select", { id, title: about.note, "aria-describedby": `${id}-remark`, ...OWN_KEYS, onchange: () => { show(); type(about.name, select.value); } },
      h("option", { value: "" }, "not known"), ...about.values.map((value) => h("option", { value }, value)));
    const show = () => select.classList.toggle("open", !select.value);
    return frame(about, id, h("label", { for: id }, about.label), select, {
      set: (text) => { select.value = text; show(); },
      focus: () => select.focus(),
      state(off) { select.disabled = off; },
    });
  }
  function buttons(about, id, type) {
    const inputs = [...about.values, ""].map((value) => h("input", { type: "radio", name: id, value, "aria-label": value || "not known", ...OWN_KEYS,
      onchange: () => type(about.name, value) }));
    const pick = (value) => { const input = inputs.find((each) => each.value === value); input.checked = true; return input; };
    const keys = { "?": "", u: "", ...Object.fromEntries(about.values.map((value) => [value[0], value])) };
    const group = h("span", { class: "buttons", role: "radiogroup", "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-remark`,
      onkeydown: (event) => {
        const value = keys[event.key.toLowerCase()];
        if (value === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
        pick(value).focus();
        type(about.name, value);
        event.preventDefault();
      } }, ...inputs.map((input) => h("label", {}, input, h("span", { "aria-hidden": "true" }, input.value || "?"))));
    return frame(about, id, h("span", { id: `${id}-label`, title: about.note }, about.label), group, {
      set: pick,
      focus: () => inputs.find((input) => input.checked).focus(),
      state(off) { for (const input of inputs) input.disabled = off; },
    });
  }
}

// --- right: the answer -----------------------------------------------------------------------------------------------

function answerPane(model, focus) {
  const sign = h("span", { class: "sign", "aria-hidden": "true" }), said = h("span", { class: "said" });
  const counts = h("span", { class: "counts" }), who = h("span", { class: "who" });
  const line = h("div", { class: "verdict", role: "status", "aria-live": "polite", "aria-atomic": "true", "aria-label": "Verdict" }, sign, said, counts, who);
  const advice = h("div", { class: "advice" });
  const tree = h("div", { class: "tree" });
  const turned = new Map(); // folds that the reader opened or closed, kept while the tree changes
  tree.addEventListener("click", (event) => {
    const fold = event.target.closest("summary")?.parentElement;
    if (fold?.dataset.criterion) turned.set(fold.dataset.criterion, !fold.open);
  });
  const text = (node, value) => { if (node.textContent !== value) node.textContent = value; };
  let html = "";
  return {
    node: h("div", { class: "pane answer", role: "group", "aria-label": "Verdict and reasons" }, line, advice, tree),
    verdict() {
      const answer = model.get("answer");
      line.className = `verdict ${answer.state}`;
      text(sign, answer.symbol); text(said, answer.said); text(counts, answer.counts); text(who, answer.who);
      advice.classList.toggle("stale", model.get("advice").n !== answer.n);
      if (html === answer.html) return;
      tree.innerHTML = html = answer.html; // made and escaped by Explanation.html
      tree.querySelectorAll(".tt-verdict > details").forEach((fold, place) => {
        const id = (fold.dataset.criterion = answer.order[place]);
        for (const [name, value] of Object.entries(OWN_KEYS)) fold.querySelector("summary").setAttribute(name, value);
        if (turned.has(id)) fold.open = turned.get(id);
      });
    },
    advice() {
      const said = model.get("advice");
      if (said.n === undefined) return;
      advice.classList.toggle("stale", said.n !== model.get("answer").n);
      advice.replaceChildren(...told(said, focus));
    },
  };
}

function told(said, focus) {
  const go = (asked, label) => h("button", { type: "button", ...OWN_KEYS, title: "Go to this field", onclick: () => focus(asked.field) }, label);
  const items = (list) => h("ul", {}, ...list.map((asked) => h("li", {}, go(asked, asked.label), `: ${asked.needed}`)));
  const fold = (name, list, joined) => {
    const brief = list.slice(0, 3).map((asked) => asked.label).join(joined);
    const more = list.length > 3 ? `, and ${list.length - 3} more` : "";
    return list.length ? h("details", {}, h("summary", { ...OWN_KEYS }, h("b", {}, `${name}: `), brief + more), items(list)) : null;
  };
  const line = (name, text) => h("p", {}, h("b", {}, `${name}: `), text);
  const nearest = said.possible === null ? "the question was too hard for the search"
    : !said.possible ? "no permitted change makes this patient eligible"
    : said.changes.length ? said.changes.join("; ") : said.open ? "none needed, nothing known stands in the way" : "none needed";
  return [
    said.lost ? h("p", {}, said.lost) : null,
    fold("To settle", said.settle, ", then ") ?? line("To settle", said.open && said.judge.length ? "nothing more to find out" : "nothing, the decision stands"),
    fold("Judgement still needed", said.judge, ", "),
    line("Nearest change", nearest),
    said.blocks.length ? h("ul", {}, ...said.blocks.map((block) => h("li", {}, block))) : null,
    !said.open && said.changes.length ? fold("and, not known yet", said.if, ", ") : null,
  ].filter(Boolean);
}

// --- below: everybody's decision ---------------------------------------------------------------------------------------

function decisionsTable(model, choose, ask) {
  const filters = () => ({ decision: decision.value, criterion: criterion.value, state: state.value, text: text.value });
  const send = () => { model.set("filters", filters()); model.save_changes(); };
  const option = (value, label) => h("option", { value }, label);
  const decision = h("select", { ...OWN_KEYS, onchange: send });
  const criterion = h("select", { ...OWN_KEYS, onchange: send }, option("", "any criterion"),
    ...model.get("card").criteria.map((each) => option(each.id, `${each.id} ${each.label}`)));
  const state = h("select", { ...OWN_KEYS, onchange: send }, option("", "failed or unknown"), option("failed", "failed"), option("unknown", "unknown"));
  const text = h("input", { type: "search", placeholder: "any text", oninput: send });
  const path = h("input", { type: "text", value: "decisions.csv", onkeydown: (event) => { if (event.key === "Enter") ask("export", { path: path.value }); } });
  const count = h("p", { class: "aside", role: "status", "aria-live": "polite" });
  const body = h("tbody");
  const bar = h("div", { class: "bar" }, slot("Decision", decision), slot("Criterion", criterion),
    slot("State", state), slot("Contains", text), h("span", { class: "gap" }), slot("Write to", path),
    h("button", { type: "button", ...OWN_KEYS, onclick: () => ask("export", { path: path.value }) }, "Export"));
  const rows = h("div", { class: "rows" }, h("table", {},
    h("thead", {}, h("tr", {}, ...HEADINGS.map((name) => h("th", { scope: "col" }, name)))), body));
  const row = ([id, decided, ...rest]) => h("tr", {},
    h("td", {}, h("button", { type: "button", ...OWN_KEYS, "aria-label": `Open ${id}`, onclick: () => choose(id) }, id)),
    h("td", { class: "decision" }, h("span", { class: "sign", "aria-hidden": "true", style: `color:var(--${SIGNS[decided][1]})` }, SIGNS[decided][0]), decided),
    ...rest.map((cell) => h("td", {}, cell.replaceAll("_", " ") || "—")));
  const notice = noticeBoard(model, "export");
  const node = h("div", { class: "roster", role: "group", "aria-label": "Everybody's decision" }, h("h4", {}, "Everybody's decision"), bar, notice.node, count, rows);
  return {
    node,
    notice: notice.draw,
    draw() {
      const table = model.get("table");
      for (const part of [bar, rows]) part.hidden = table.n === undefined;
      bar.style.display = table.n === undefined ? "none" : "";
      if (table.n === undefined) { count.textContent = model.get("source").name ? "Screening …" : "Upload a table to screen everybody in it."; return; }
      const [old, total] = [decision.value, table.n.toLocaleString("en")];
      decision.replaceChildren(option("", `any (${total})`), ...Object.entries(table.counts).map(([name, n]) => option(name, `${name} (${n.toLocaleString("en")})`)));
      decision.value = old;
      const shown = table.rows.length < table.kept ? `, the first ${table.rows.length} shown` : "";
      const said = `${table.kept.toLocaleString("en")} of ${total} patients${shown}. Export writes all ${table.kept.toLocaleString("en")}.`;
      if (count.textContent !== said) count.textContent = said;
      body.replaceChildren(...table.rows.map(row));
    },
  };
}

export default { render };
