// What the screens share in the browser: native controls, so that keyboard and screen reader work as everywhere.

const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" }; // JupyterLab would take letters and arrows for its commands
let views = 0;

const signed = (n) => (n > 0 ? "+" : "") + count(n);
const button = (label, onclick, more = {}) => h("button", { type: "button", ...OWN_KEYS, onclick, ...more }, label);

// A control beside its label, which is no part of it: a list inside its label would be named by all its options.
function slot(label, control) {
  control.id ||= `tt-control-${++views}`;
  return h("div", { class: "slot" }, h("label", { for: control.id }, label), control);
}

function list(label, options, onchange) {
  const select = h("select", { ...OWN_KEYS, onchange: () => onchange(select.value) });
  const fill = (pairs) => select.replaceChildren(...pairs.map(([value, words]) => h("option", { value }, words)));
  fill(options);
  return { node: slot(label, select), select, fill };
}

// What a button has to say.
function noticeBoard(model, actions = () => []) {
  const node = h("div", { class: "notice", role: "status" });
  let drawn;
  return {
    node,
    draw() {
      const notice = model.get("notice");
      if (notice.n === drawn) return;
      drawn = notice.n;
      node.className = notice.wrong ? "notice wrong" : "notice";
      node.replaceChildren(...(notice.text ? [h("span", {}, notice.text), ...actions(notice)] : []));
    },
  };
}

// A file that the program hands over becomes a download.
function takeFiles(model, line) {
  const take = (message, buffers) => {
    if (!message.file || message.view !== line.view) return;
    const href = URL.createObjectURL(new Blob([buffers[0]]));
    h("a", { href, download: message.file }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  };
  model.on("msg:custom", take);
  return () => model.off("msg:custom", take);
}
