// All patients of the table with their decisions: to filter, to open one, to take along as a file.

const DECISIONS = { eligible: ["✓", "eligible", "pass"], ineligible: ["✗", "not eligible", "fail"], undetermined: ["?", "not decided yet", "unknown"] };
const HEADINGS = ["Patient", "Decision", "Failed", "Open", "What is not known"];

// wish: called with the filters; choose: with an id; save: when the file is wanted.
function decisionsTable(model, layout, { wish, choose, save }) {
  const filters = () => ({ decision: decision.value, criterion: criterion.value, state: state.value, text: text.value });
  const send = () => wish(filters());
  const option = (value, label) => h("option", { value }, label);
  const decision = h("select", { ...OWN_KEYS, onchange: send });
  const criterion = h("select", { ...OWN_KEYS, onchange: send }, option("", "any criterion"),
    ...layout.criteria.map((each) => option(each.id, `${each.id} ${each.label}`)));
  const state = h("select", { ...OWN_KEYS, onchange: send }, option("", "failed or open"), option("failed", "failed"), option("unknown", "open"));
  const text = h("input", { type: "search", placeholder: "any text", oninput: send });
  const line = h("p", { class: "note", role: "status", "aria-live": "polite" });
  const body = h("tbody");
  const bar = h("div", { class: "bar" }, slot("Decision", decision), slot("Criterion", criterion), slot("State", state), slot("Contains", text),
    h("span", { class: "gap" }), button("Save as a file …", save));
  const rows = h("div", { class: "rows", tabindex: "0", role: "group", "aria-label": "All patients, rows" }, h("table", {},
    h("thead", {}, h("tr", {}, ...HEADINGS.map((name) => h("th", { scope: "col" }, name)))), body));
  const row = ([id, decided, failed, open, items]) => {
    const [sign, word, kind] = DECISIONS[decided];
    const cells = [button(id, () => choose(id), { "aria-label": `Open ${id}` }), h("span", { class: "decision" }, h("span", { class: "sign", "aria-hidden": "true" }, sign), word),
      failed, open, items.split(", ").map((name) => layout.labels[name] ?? name).join("; ")];
    return h("tr", { class: kind }, ...cells.map((cell, at) => h("td", { "data-head": HEADINGS[at] }, cell || "—")));
  };
  let drawn;
  return {
    node: h("div", { class: "roster", role: "group", "aria-label": "All patients" }, h("h4", {}, "All patients"), bar, line, rows),
    filters,
    // current: whether the table is of these readings and this table; working: whether it is being made
    draw(current, working) {
      const table = model.get("table"), source = model.get("source"), none = table.n === undefined;
      bar.hidden = rows.hidden = none;
      rows.classList.toggle("old", !current);
      const [kept, total] = none ? [] : [count(table.kept), count(table.n)];
      say(line, !source.name ? "Open a table to see everybody in it."
        : !current ? `Working: ${count(source.n)} patients are screened.${none ? "" : " What stands below is of before."}`
        : `${kept} of ${total} patients${table.rows.length < table.kept ? `, the first ${table.rows.length} shown` : ""}. The file holds all ${kept}.`);
      if (none || table === drawn) return;
      drawn = table;
      decision.replaceChildren(option("", `any (${total})`), ...Object.entries(table.counts).map(([name, n]) => option(name, `${DECISIONS[name][1]} (${count(n)})`)));
      if (!working) for (const [control, name] of [[decision, "decision"], [criterion, "criterion"], [state, "state"], [text, "text"]])
        if (control !== document.activeElement || control === decision) control.value = table.filters[name] ?? "";
      body.replaceChildren(...table.rows.map(row));
    },
  };
}
