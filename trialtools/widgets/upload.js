// A table is opened: its file goes to the program in parts; what is in its way is told, with what may be chosen.

const PART = 4_000_000; // bytes
const MANY = 200; // columns; of more, a name is typed: a list of all of them beside each field would stop the browser

function openTable(model, layout, uid, line) {
  const progress = h("p", { class: "progress note", role: "status" });
  const board = h("div", { class: "draft", role: "group", "aria-label": "The table that is being opened", hidden: true });
  const picker = (label, accept) => {
    const input = h("input", { type: "file", multiple: true, accept, ...OWN_KEYS, onchange: () => { const files = [...input.files]; input.value = ""; send(files); } });
    return h("label", { class: "file" }, label, input);
  };
  // A mapping goes first: it says how the table beside it is read.
  async function send(files) {
    for (const file of files.toSorted((a, b) => /\.ya?ml$/.test(b.name) - /\.ya?ml$/.test(a.name))) {
      const parts = Math.max(1, Math.ceil(file.size / PART));
      for (let part = 0; part < parts; part++) {
        say(progress, part + 1 < parts ? `Sending ${file.name}: ${Math.floor((100 * part) / parts)} %` : `Reading ${file.name} …`);
        const piece = await file.slice(part * PART, (part + 1) * PART).arrayBuffer();
        await new Promise((heard) => line.ask({ ask: "upload", name: file.name, part, parts }, { quiet: true, buffers: [piece], heard }));
      }
    }
    say(progress, "");
  }
  function choices(draft) {
    const option = (value, words = value) => h("option", { value }, words);
    const many = draft.columns.length > MANY && h("datalist", { id: `${uid}-columns` }, ...draft.columns.map((each) => option(each)));
    const column = (name, chosen, none) => {
      const control = many ? h("input", { type: "text", list: many.id, placeholder: none, "data-column": name, ...OWN_KEYS })
        : h("select", { "data-column": name, ...OWN_KEYS }, option("", none), ...draft.columns.map((each) => option(each)));
      control.value = chosen;
      return control;
    };
    const id = column("patient_id", draft.id, "each row is a patient");
    const fields = Object.entries(draft.fields).map(([name, chosen]) => [name, column(name, chosen, "not in this table")]);
    const box = (words, checked) => { const input = h("input", { type: "checkbox", checked, ...OWN_KEYS }); return { input, node: h("label", {}, input, ` ${words}`) }; };
    const comma = box("Numbers have a decimal comma", draft.comma);
    const leave = box("Leave unknown what cannot be read, and count it", draft.leave);
    const number = box("Give rows without an id of their own their number", draft.number);
    const again = () => {
      const columns = Object.fromEntries(fields.map(([name, select]) => [name, select.value]));
      say(progress, `Reading ${draft.name} …`);
      line.ask({ ask: "map", columns, id: id.value, comma: comma.input.checked, leave: leave.input.checked, number: number.input.checked }, { quiet: true, heard: () => say(progress, "") });
    };
    return [
      h("details", { open: !Object.values(draft.fields).some(Boolean) }, h("summary", OWN_KEYS, "Which column is which?"),
        many || "", h("div", { class: "columns" }, slot("Patient id", id), ...fields.map(([name, select]) => h("div", {}, slot(layout.labels[name], select), draft.asks[name] ? h("p", { class: "note" }, draft.asks[name]) : null)))),
      h("div", { class: "boxes" }, comma.node, leave.node, number.node),
      h("div", { class: "actions" }, button("Read it so", again, { class: "first" }), picker("Use a mapping file …", ".yaml,.yml"), close("Leave it")),
    ];
  }
  const close = (words) => button(words, () => line.ask({ ask: "drop" }, { quiet: true }));
  let drawn;
  return {
    button: picker("Open a table …", ".csv,.gz,.tsv,.txt,.parquet,.xlsx,.xls,.yaml,.yml"),
    node: h("div", {}, progress, board),
    draw() {
      const draft = model.get("draft");
      if (draft === drawn) return;
      drawn = draft;
      board.hidden = !draft.name;
      board.className = draft.problem ? "draft wrong" : "draft";
      if (!draft.name) return board.replaceChildren();
      if (!draft.problem) {
        const found = draft.findings.length ? h("ul", {}, ...draft.findings.map((each) => h("li", {}, each))) : null;
        return board.replaceChildren(h("p", {}, h("strong", {}, `${draft.name} was read: ${count(draft.n)} patients.`), draft.findings.length ? "" : " Nothing was wrong with it."), ...[found, close("Close")].filter(Boolean));
      }
      board.replaceChildren(h("p", {}, h("strong", {}, `${draft.name} was not read.`)), h("pre", {}, draft.problem), ...(draft.columns.length ? choices(draft) : [close("Close")]));
    },
  };
}
