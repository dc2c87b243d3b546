// The verdict: one line that says whose it is and whether it is of the card that is shown; advice; every criterion.

function verdictPane(focus, actions) {
  const sign = h("span", { class: "sign", "aria-hidden": "true" }), headline = h("strong", { class: "headline" });
  const counts = h("span", { class: "counts" }), who = h("span", { class: "who" });
  const again = h("span", { class: "again", hidden: true }, ...actions);
  const line = h("div", { class: "verdict", role: "status", "aria-live": "polite", "aria-atomic": "true", "aria-label": "Verdict" },
    sign, h("div", {}, headline, h("p", { class: "about" }, who, " ", counts), again));
  const advice = h("div", { class: "advice" }), notes = h("div", { class: "notes" }), steps = h("div", { class: "criteria" });
  const turned = new Map(); // folds that the reader opened or closed, kept while the criteria change
  let drawn = "";
  return {
    node: h("div", { class: "pane answer", role: "group", "aria-label": "Verdict and reasons" }, line, h("div", { class: "rest" }, advice, notes, steps)),
    // state: of the line, or "apart"; about: what waits, in words
    draw(answer, state, about) {
      const waits = state === "apart" ? "No verdict on what stands here" : WAITS[state];
      line.className = `verdict ${answer.state}`;
      line.setAttribute("aria-busy", String(state === "pending"));
      say(sign, !waits ? answer.symbol : ["lost", "apart"].includes(state) ? "!" : "…");
      say(headline, waits ?? answer.headline);
      say(who, waits ? about : `${answer.who} ·`);
      say(counts, waits ? "" : answer.counts);
      again.hidden = state !== "lost";
      const made = JSON.stringify([answer.criteria, answer.notes]);
      if (made === drawn) return;
      drawn = made;
      notes.replaceChildren(...answer.notes.map((note) => h("p", {}, h("strong", {}, "Note. "), note)));
      steps.replaceChildren(...answer.criteria.map((criterion) => criterionFold(criterion, turned)));
    },
    advise(told, current) {
      advice.classList.toggle("old", !current);
      if (told.n !== undefined) advice.replaceChildren(...adviceLines(told, focus));
    },
  };
}

function criterionFold(criterion, turned) {
  const step = (node) => h("li", { class: node.decides ? node.state : "beside" }, h("b", { class: "sign", "aria-hidden": "true" }, node.symbol), " ", node.text,
    node.decides ? null : h("span", { class: "note" }, " does not decide"), node.steps.length ? h("ul", {}, ...node.steps.map(step)) : null);
  const open = turned.get(criterion.id) ?? criterion.state === "fail";
  return h("details", { class: criterion.state, "data-criterion": criterion.id, open, ontoggle: (event) => turned.set(criterion.id, event.target.open) },
    h("summary", OWN_KEYS, h("b", { class: "sign", "aria-hidden": "true" }, criterion.symbol), h("span", { class: "word" }, criterion.word),
      h("span", {}, h("b", {}, criterion.id), ` ${criterion.label}`), h("span", { class: "fact" }, criterion.fact)),
    h("div", { class: "body" }, ...criterion.quotes.map((quote) => h("blockquote", {}, quote)),
      h("p", {}, criterion.reading ? `Read here as “${criterion.reading}”: ${criterion.words}` : `Read here as: ${criterion.words}`),
      criterion.why ? h("p", { class: "note" }, criterion.why) : null,
      h("ul", {}, step(criterion.steps)),
      criterion.later ? h("p", {}, `Not known at screening: ${criterion.later}`) : null));
}

function adviceLines(told, focus) {
  const go = (item, label) => button(label, () => focus(item.field), { title: "Go to this field" });
  const fold = (name, items, joined) => {
    const brief = items.slice(0, 3).map((item) => item.label).join(joined), more = items.length > 3 ? `, and ${items.length - 3} more` : "";
    return h("details", {}, h("summary", OWN_KEYS, h("b", {}, `${name}: `), brief + more),
      h("ul", {}, ...items.map((item) => h("li", {}, go(item, item.label), `: ${item.needed}`))));
  };
  const line = (name, text) => h("p", {}, h("b", {}, `${name}: `), text);
  const would = told.possible === null ? line("Would be eligible if", "no answer; the question was too hard for the search")
    : !told.possible ? line("Would be eligible if", "no permitted change would do")
    : told.changes.length ? line("Would be eligible if", told.changes.join("; "))
    : told.open ? line("Would be eligible if", "what is open turns out well; nothing that is known stands in the way") : null;
  return [
    told.hopeless ? h("p", {}, "Nothing that is still open can make this patient eligible.") : null,
    told.find_out.length ? fold("Find out next", told.find_out, ", then ")
      : line("Find out next", told.open ? "nothing; only a judgement is open" : "nothing more is needed: the decision cannot change"),
    told.judge.length ? fold("For a clinician to judge", told.judge, ", ") : null,
    would,
    told.blocks.length ? h("ul", {}, ...told.blocks.map((block) => h("li", {}, block))) : null,
    !told.open && told.changes.length && told.if.length ? fold("and, not known yet", told.if, ", ") : null,
  ].filter(Boolean);
}
