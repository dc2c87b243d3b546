// The patient card: a control for each field. What a control shows is a text; an empty one means not known.

// layout: the groups of fields; type: called with a field and its text, at every key; left: called when a box is left.
function patientCard(layout, uid, type, left) {
  const controls = {};
  const field = (about) => {
    const make = { text: textBox, list: listBox, buttons: buttonRow }[about.kind];
    const control = make(about, `${uid}-${about.name}`, (text) => type(about.name, text), left);
    controls[about.name] = control;
    return control.node;
  };
  const groups = layout.groups.flatMap((group) => [h("h5", {}, group.name), ...group.fields.map(field)]);
  const beside = layout.unasked.length
    ? h("details", { class: "unasked" }, h("summary", OWN_KEYS, `Not asked by any criterion (${layout.unasked.length})`), ...layout.unasked.map(field))
    : null;
  const asked = new Set(layout.groups.flatMap((group) => group.fields.map((each) => each.name)));
  return {
    node: h("div", { class: "pane known", role: "group", "aria-label": "What is known of the patient" },
      h("h4", {}, "What is known ", h("span", { class: "note" }, "· empty means not known. Tab goes on; in a row of buttons Y, N, ? choose")),
      ...groups, beside),
    shown: () => Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.get()]).filter(([, text]) => text)),
    // A box that has the focus is never refilled: what stands in it may be half typed.
    fill(entries) {
      for (const [name, control] of Object.entries(controls)) {
        const text = entries[name] ?? "";
        if (!control.typing() && control.get() !== text) control.set(text);
      }
    },
    // The first field that shows something else than the entries; undefined if all are as they are there.
    differs: (entries) => Object.keys(controls).find((name) => controls[name].get() !== (entries[name] ?? "")),
    mark({ entries, remarks, inapplicable, idle }) {
      for (const [name, control] of Object.entries(controls)) {
        const off = inapplicable.includes(name), about = control.get() === (entries[name] ?? "");
        const why = off ? "does not apply" : about && remarks[name] ? remarks[name]
          : idle.includes(name) && asked.has(name) ? "Not needed for this protocol as it is read here" : "";
        say(control.remark, why);
        control.node.classList.toggle("off", off || (idle.includes(name) && asked.has(name)));
        control.state(off, about && name in remarks);
      }
    },
    focus(name) {
      controls[name]?.node.closest("details")?.setAttribute("open", "");
      controls[name]?.focus();
    },
  };
}

function fieldRow(about, id, label, box, more) {
  const remark = h("div", { class: "remark", id: `${id}-remark` });
  const node = h("div", { class: "field", "data-field": about.name }, label, h("div", { class: "box" }, box), remark);
  return { node, remark, typing: () => false, ...more };
}

function textBox(about, id, type, left) {
  const date = about.type === "date";
  const input = h("input", { type: "text", id, class: date ? "date" : null, autocomplete: "off", spellcheck: "false",
    inputmode: date ? null : "decimal", placeholder: date ? "YYYY-MM-DD" : "not known", "aria-describedby": `${id}-about ${id}-remark`,
    oninput: () => type(input.value.trim()), onblur: left });
  const title = [about.span && `possible: ${about.span} ${about.unit}`, about.note].filter(Boolean).join(". ");
  input.title = title;
  const box = h("span", { class: "box" }, input, h("span", { class: "unit" }, about.unit), h("span", { class: "unseen", id: `${id}-about` }, title));
  const label = h("label", { for: id }, about.label, about.unit ? h("span", { class: "unseen" }, ` (${about.unit})`) : null);
  return fieldRow(about, id, label, box, {
    get: () => input.value.trim(),
    set: (text) => { input.value = text; },
    typing: () => input === document.activeElement,
    focus: () => input.focus(),
    state(off, wrong) { input.disabled = off; input.setAttribute("aria-invalid", String(wrong)); },
  });
}

function listBox(about, id, type) {
  const select = h("select", { id, title: about.note, "aria-describedby": `${id}-remark`, ...OWN_KEYS, onchange: () => { show(); type(select.value); } },
    h("option", { value: "" }, "not known"), ...about.values.map((value) => h("option", { value }, plain(value))));
  const show = () => select.classList.toggle("open", !select.value);
  show();
  return fieldRow(about, id, h("label", { for: id }, about.label), select, {
    get: () => select.value,
    set: (text) => { select.value = text; show(); },
    focus: () => select.focus(),
    state(off) { select.disabled = off; },
  });
}

function buttonRow(about, id, type) {
  const inputs = [...about.values, ""].map((value) => h("input", { type: "radio", name: id, value, checked: !value, "aria-label": plain(value) || "not known", ...OWN_KEYS,
    onclick: () => type(value) })); // also of one that is chosen already: the card that is meant may say otherwise
  const pick = (value) => { const input = inputs.find((each) => each.value === value); if (input) input.checked = true; return input; };
  const keys = { "?": "", u: "", ...Object.fromEntries(about.values.map((value) => [value[0], value])) };
  const group = h("span", { class: "buttons", role: "radiogroup", "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-remark`,
    onkeydown: (event) => {
      const value = keys[event.key.toLowerCase()];
      if (value === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      pick(value).focus();
      type(value);
      event.preventDefault();
    } }, ...inputs.map((input) => h("label", {}, input, h("span", { "aria-hidden": "true" }, plain(input.value) || "?"))));
  return fieldRow(about, id, h("span", { id: `${id}-label`, title: about.note }, about.label), group, {
    get: () => inputs.find((each) => each.checked)?.value ?? "",
    set: pick,
    focus: () => inputs.find((input) => input.checked).focus(),
    state(off) { for (const input of inputs) input.disabled = off; },
  });
}
