// The randomization laboratory in the browser: guess, watch, compare. parts.js stands above.
// It sends a setup and the guesses so far, and draws what Python dealt and scored; an arm is not here before it is dealt.

const STEP = 700; // ms between patients, when one only watches

function render({ model, el }) {
  const about = model.get("layout_"), uid = `tt-laboratory-${++views}`;
  const arms = Object.fromEntries(about.arms.map((arm) => [arm.id, arm]));
  const line = lineTo(model, el, () => { answered(); drawn(); waits(); });
  let setup = structuredClone(model.get("answer").setup), guesses = [...model.get("answer").guesses];
  let tab = model.get("panel").tab, of = model.get("answer").of;
  const ask = () => line.ask({ ask: "play", setup: structuredClone(setup), guesses: [...guesses], tab }, { key: "play" });
  const again = () => { stop(); guesses = []; ask(); };
  const deal = (...more) => { if (guesses.length < of) { guesses.push(...more); ask(); } };

  // above: what is played
  const procedure = list("Procedure", Object.keys(about.procedures).map((name) => [name, name.replaceAll("_", " ")]), (value) => {
    setup.procedure = value; setup.options = {}; again();
  });
  const strata = list("Lists", [["", "one for all"], ["yes", "one for each stratum"]], (value) => { setup.stratified = Boolean(value); again(); });
  const options = h("span", { class: "options" }), error = h("pre", { class: "error", role: "status", id: `${uid}-error` });
  let shape = "", boxes = {};
  const box = (label, value, oninput) => {
    const input = h("input", { type: "text", size: 6, autocomplete: "off", id: `${uid}-${label}`, "aria-describedby": error.id, ...OWN_KEYS, oninput: () => oninput(input.value) });
    input.value = value;
    return { node: h("span", { class: "slot" }, h("label", { for: input.id }, label), input), input };
  };
  const n = box("Patients", setup.n, (text) => { setup.n = text; again(); });
  const seed = box("Seed", setup.seed, (text) => { setup.seed = text; again(); });

  // left: the game
  const turn = h("h4", {}), result = h("p", { class: "result", role: "status", "aria-live": "polite", "aria-atomic": "true" });
  const waiting = h("p", { class: "waiting", role: "status" }), score = h("p", { class: "note" }), lanes = h("div", { class: "lanes" });
  const guess = about.arms.map((arm) => button(arm.name, () => deal(arm.id), { class: "arm", style: `--arm:${arm.colour}`, "aria-keyshortcuts": arm.letter.toLowerCase() }));
  let timer = 0;
  const watch = button("Watch", () => { if (timer) return stop(); timer = setInterval(() => (guesses.length < of ? deal("") : stop()), STEP); say(watch, "Stop"); });
  const stop = () => { clearInterval(timer); timer = 0; say(watch, "Watch"); };
  const blind = button("Deal without a guess", () => deal(""));
  const rest = button("All the rest", () => deal(...Array(Math.max(of - guesses.length, 0)).fill("")));
  const show = h("input", { type: "checkbox", id: `${uid}-show`, ...OWN_KEYS, onchange: () => { chances.hidden = !show.checked; } });
  const chances = h("div", { class: "chances", hidden: true });
  const left = h("div", { class: "pane", role: "group", tabindex: "0", ...OWN_KEYS, "aria-label": "Guess the next arm" }, turn,
    h("div", { class: "row" }, ...guess, blind, watch, rest),
    waiting, result, score, h("p", {}, show, " ", h("label", { for: show.id }, "Show what can be known of the next arm")), chances, lanes);

  const view = figurePane(model, line, about.tabs.map(([name, words]) => [words, [[name, words]]]), uid, (name) => { tab = name; ask(); });
  const root = h("section", { class: "tt tt-explorer tt-laboratory", id: uid, "aria-label": `Randomization laboratory, ${about.protocol}`,
    onkeydown: (event) => {
      const arm = about.arms.find((each) => each.letter.toLowerCase() === event.key.toLowerCase());
      if (!arm || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input[type=text], select")) return;
      event.preventDefault(); event.stopPropagation(); deal(arm.id);
    } },
    h("p", { class: "own note" }, about.own),
    h("div", { class: "top" }, h("div", { class: "row" }, procedure.node, options, strata.node, n.node, seed.node,
      button("Start again", again), button("Another seed", () => { setup.seed = Number(setup.seed) + 1; seed.input.value = setup.seed; again(); })), error),
    h("div", { class: "panes" }, left, view.node));
  el.append(root);

  const waits = () => {
    const state = line.quick() ? "settled" : line.state();
    root.dataset.state = line.state();
    say(waiting, { ...WAITS, lost: `${WAITS.lost}. In a notebook, run the cell again.` }[state] ?? "");
  };
  const answered = () => {
    const answer = model.get("answer");
    if (line.waiting().length) return;
    setup = structuredClone(answer.setup); guesses = [...answer.guesses]; of = answer.of;
    procedure.select.value = setup.procedure;
    strata.select.value = setup.stratified ? "yes" : "";
    strata.node.hidden = setup.procedure === "minimization";
    const names = about.procedures[setup.procedure] ?? [];
    if (shape !== names.join()) {
      shape = names.join();
      boxes = Object.fromEntries(names.map((name) => [name, box(name, "", (text) => { setup.options[name] = text; again(); })]));
      options.replaceChildren(...Object.values(boxes).map((each) => each.node));
    }
    const values = [[n.input, setup.n], [seed.input, setup.seed], ...names.map((name) => [boxes[name].input, setup.options[name] ?? ""])];
    for (const [input, value] of values) if (input !== document.activeElement) input.value = value;
    say(error, answer.error);
    const done = guesses.length, next = done < of ? `Patient ${done + 1} of ${of}` : `All ${of} patients are allocated`;
    say(turn, answer.stratum ? `${next} · ${answer.stratum}` : next);
    for (const each of [...guess, blind, watch, rest]) each.setAttribute("aria-disabled", String(done >= of));
    say(result, answer.result); say(score, answer.score);
    chances.replaceChildren(...Object.entries(answer.chances).map(([id, share]) => h("div", { class: "chance" }, h("span", {}, arms[id].name),
      h("i", { style: `width:${100 * share}px;--arm:${arms[id].colour}`, "aria-hidden": "true" }), h("b", {}, `${(100 * share).toFixed(0)} %`))));
    const by = Map.groupBy(answer.dealt.map((each, at) => ({ ...each, at })), (each) => (answer.strata.length ? each.stratum : ""));
    lanes.replaceChildren(...[...by].map(([stratum, all]) => h("div", {}, stratum ? h("p", { class: "note" }, stratum) : null, h("ol", {}, ...all.map((each) => tile(each, guesses[each.at]))))));
  };
  function tile(each, guessed) {
    const arm = arms[each.arm], right = guessed === each.arm, mark = guessed ? (right ? "✓" : "✗") : "";
    const told = `Patient ${each.at + 1}: ${arm.name}${guessed ? (right ? ", guessed right" : ", guessed wrong") : ""}`;
    return h("li", { style: `--arm:${arm.colour}`, title: told, "aria-label": told }, h("span", { "aria-hidden": "true" }, `${arm.letter}${arm.sign}`), h("small", { "aria-hidden": "true" }, mark));
  }
  const drawn = () => {
    const panel = model.get("panel");
    if (line.waiting().length) return;
    tab = panel.tab;
    view.draw(panel);
  };
  const on = { "change:answer": answered, "change:panel": drawn };
  for (const [event, action] of Object.entries(on)) model.on(event, action);
  answered(); drawn(); waits();
  return () => { stop(); for (const [event, action] of Object.entries(on)) model.off(event, action); view.end(); line.end(); };
}

export default { render };
