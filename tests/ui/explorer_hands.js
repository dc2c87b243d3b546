// What a reader does at an explorer, and what a reader sees there.
() => {
  const root = (view) => document.querySelectorAll(".tt-explorer")[view];
  const row = (view, id) => root(view).querySelector(`[data-criterion=${id}]`);
  const typed = (box, text) => { box.focus(); box.value = text; box.dispatchEvent(new Event("input", { bubbles: true })); };
  window.hands = {
    toggle: (view, id) => { const box = row(view, id).querySelector("input[type=checkbox]"); box.focus(); box.click(); },
    move: (view, id, at, text) => { const box = row(view, id).querySelectorAll(".limit input[type=text]")[at]; if (box) typed(box, text); },
    slide: (view, id, at, value) => { const bar = row(view, id).querySelectorAll("input[type=range]")[at]; if (bar) typed(bar, value); },
    read: (view, id, name) => { const list = row(view, id).querySelector("select"); list.focus(); list.value = name; list.dispatchEvent(new Event("change")); },
    reword: (view, id, text) => typed(row(view, id).querySelector(".wording"), text),
    brush: (view, text) => typed(root(view).querySelector(".who input"), text),
    back: (view, id) => { const button = row(view, id).querySelector(".back"); if (!button.hidden) { button.focus(); button.click(); } },
    reset: (view) => { const button = root(view).querySelector(".top button"); button.focus(); button.click(); },
    leave: () => document.activeElement?.blur(),
  };
  window.seen = () => [...document.querySelectorAll(".tt-explorer")].map((explorer) => ({
    state: explorer.dataset.state, headline: explorer.querySelector(".headline").textContent, brush: explorer.querySelector(".who input").value,
    brushWrong: explorer.querySelector(".who input").getAttribute("aria-invalid") === "true",
    rows: Object.fromEntries([...explorer.querySelectorAll(".criterion")].map((row) => [row.dataset.criterion, {
      on: row.querySelector("input[type=checkbox]").checked, reading: row.querySelector("select")?.value ?? null, text: row.querySelector(".wording").value,
      wrong: row.querySelector(".wording").getAttribute("aria-invalid") === "true",
      limits: [...row.querySelectorAll(".limit input[type=text]")].map((box) => [box.value, box.getAttribute("aria-invalid") === "true"]),
      gain: [...row.querySelectorAll(".gain")].map((each) => each.textContent) }])),
  }));
}
