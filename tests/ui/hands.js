// What a reader does at a desk, and what a reader sees there.
() => {
  const root = (view) => document.querySelectorAll(".tt-desk")[view];
  const field = (view, name) => root(view).querySelector(`[data-field=${name}]`);
  const typed = (box, text) => { box.value = text; box.dispatchEvent(new Event("input", { bubbles: true })); };
  window.hands = {
    type(view, name, text) { const box = field(view, name).querySelector("input"); box.focus(); typed(box, text); },
    more(view, text) { const box = document.activeElement; if (root(view).contains(box) && box.closest(".field") && box.type === "text") typed(box, box.value + text); },
    press(view, name, value) { const box = field(view, name).querySelector(`input[value="${value}"]`); if (!box.disabled) { box.focus(); box.click(); } },
    read(view, id, name) { const list = root(view).querySelector(`select[id$=reading-${id}]`); list.closest("details").open = true; list.focus(); list.value = name; list.dispatchEvent(new Event("change")); },
    choose(view, id) { const box = root(view).querySelector(".top input"); box.focus(); box.value = id; box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" })); },
    button(view, name) { const all = [...root(view).querySelectorAll(".top button, .notice button")]; const one = all.find((each) => each.textContent === name); one?.focus(); one?.click(); },
    leave() { document.activeElement?.blur(); },
  };
  window.seen = () => [...document.querySelectorAll(".tt-desk")].map((desk) => ({
    state: desk.dataset.state,
    entries: Object.fromEntries([...desk.querySelectorAll(".field")].map((field) => [field.dataset.field,
      (field.querySelector("input[type=text]") ?? field.querySelector("input:checked") ?? { value: "" }).value.trim()]).filter((pair) => pair[1])),
    readings: Object.fromEntries([...desk.querySelectorAll("select[id*=-reading-]")].map((list) => [list.id.split("-reading-")[1], list.value])),
    headline: desk.querySelector(".headline").textContent, counts: desk.querySelector(".counts").textContent, who: desk.querySelector(".who").textContent,
    criteria: Object.fromEntries([...desk.querySelectorAll("details[data-criterion]")].map((fold) => [fold.dataset.criterion, fold.className])),
  }));
}
