// One figure that stays where it is: its questions and the ways to look at each, controls of its own, the table of its
// numbers, the call that makes it. Plotly has classes of its own inside a figure (line, text, plot).

const NARROWEST = 620, WIDEST = 760; // px of a drawing; below, rows are laid out another way, and else it is scrolled

// Plotly, once for all views of a screen; it comes after the controls, when something is drawn for the first time. An
// answer without it was lost on its way: then it is asked for again by whoever wants to draw.
let plotly;
function library(model, line) {
  return plotly ??= new Promise((made, lost) => {
    const take = ({ library, view }, [code] = []) => {
      if (!library || view !== line.view) return;
      model.off("msg:custom", take);
      made(import(URL.createObjectURL(new Blob([code], { type: "text/javascript" }))).then((module) => module.default));
    };
    model.on("msg:custom", take);
    line.ask({ ask: "library" }, { quiet: true, heard: () => { model.off("msg:custom", take); lost(new Error("the library is lost")); } });
  }).catch((error) => { plotly = undefined; throw error; });
}

// questions: [title, [[name, words], …]], a way to look at the question each; choose: called with a name.
function figurePane(model, line, questions, uid, choose, controls = []) {
  const home = (name) => questions.find(([, ways]) => ways.some(([each]) => each === name));
  const tabs = questions.map(([title, ways], at) => h("button", { type: "button", role: "tab", "aria-controls": `${uid}-view`, ...OWN_KEYS, onclick: () => choose(ways[0][0]),
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(at + step + tabs.length) % tabs.length];
      next.focus(); next.click(); event.preventDefault();
    } }, title));
  const ways = h("div", { class: "ways" }), title = h("h3", { class: "title" }), population = h("p", { class: "note" }), bars = h("table", { class: "bars" });
  const plot = h("div", { class: "drawing", role: "img" }), paper = h("div", { class: "paper" }, plot);
  const undrawn = h("p", { class: "note", role: "status" }), again = button("Draw it again", () => plotIt(), { hidden: true });
  const caption = h("p", { class: "note caption" }), table = h("table"), code = h("pre", { class: "call" });
  const cells = h("div", { class: "rows cells", tabindex: "0", role: "group", "aria-label": "Table of the figure's numbers" }, table);
  const view = h("div", { role: "tabpanel", id: `${uid}-view`, "aria-label": "Figure" }, h("div", { class: "second" }, ways, h("span", { class: "gap" }), ...controls), title, population, bars, undrawn, again, paper, caption, cells,
    h("details", { class: "how" }, h("summary", OWN_KEYS, "Show the call"), code));
  let last = null, width = 0;
  const wide = () => Math.round(Math.min(view.clientWidth - 20, WIDEST));
  const tell = (words, failed = false) => { say(undrawn, words); undrawn.hidden = !words; again.hidden = !failed; };
  async function plotIt() {
    if (!last?.figure) return;
    if (!width) tell("The figure is being drawn …");
    const Plotly = await library(model, line).catch(() => tell("The figure did not come: the line to the program dropped on the way. Its numbers stand in the table.", true));
    if (!Plotly || !last.figure) return; // another panel has come meanwhile
    tell("");
    const { data, layout } = JSON.parse(last.figure), { heading, phone } = layout.meta; // px of the words that stand above here
    const bare = { ...layout, title: { text: "" }, height: layout.height - heading, margin: { ...layout.margin, t: layout.margin.t - heading } };
    width = wide();
    const narrow = phone && view.clientWidth < NARROWEST, drawn = narrow ? { ...bare, ...phone.layout } : bare;
    Plotly.react(plot, narrow ? phone.data : data, { ...drawn, width: narrow ? Math.max(drawn.width, view.clientWidth - 20) : Math.min(Math.max(width, NARROWEST), drawn.width) }, { displaylogo: false, responsive: false, displayModeBar: false });
    document.getElementById("js-plotly-tester")?.setAttribute("aria-hidden", "true"); // it measures texts, far outside the page
  }
  const watch = new ResizeObserver(() => { if (width && Math.abs(wide() - width) > 20) plotIt(); });
  watch.observe(view);
  return {
    node: h("div", { class: "pane view" }, h("div", { class: "tabs", role: "tablist", "aria-label": "Questions" }, ...tabs), view),
    old: (old) => view.classList.toggle("stale", old),
    draw(panel) {
      if (panel === last) return;
      last = panel;
      const [here, all] = home(panel.tab);
      tabs.forEach((each, at) => { each.setAttribute("aria-selected", String(questions[at][0] === here)); each.tabIndex = questions[at][0] === here ? 0 : -1; });
      ways.replaceChildren(...(all.length > 1 ? all.map(([name, words]) => h("button", { type: "button", ...OWN_KEYS, "aria-current": name === panel.tab ? "true" : null, onclick: () => choose(name) }, words)) : []));
      for (const [node, words] of [[title, panel.title], [population, panel.population]]) { node.hidden = !words; say(node, words ?? ""); }
      bars.hidden = !panel.bars?.length; bars.replaceChildren(...(panel.bars?.length ? barRows(panel.bars) : []));
      paper.hidden = !panel.figure;
      if (!panel.figure) tell("");
      plot.setAttribute("aria-label", panel.alt);
      plotIt();
      const more = panel.table.more ? ` The table leaves out ${count(panel.table.more)} more rows; the call makes them all.` : "";
      say(caption, panel.caption + more);
      say(code, panel.call);
      cells.hidden = Boolean(panel.bars?.length); // its numbers stand beside the bars
      const cell = (tag, text, at) => h(tag, { class: panel.table.figures[at] ? "figure" : null, scope: tag === "th" ? "col" : null, "data-head": panel.table.columns[at] }, text);
      table.replaceChildren(h("thead", {}, h("tr", {}, ...panel.table.columns.map((text, at) => cell("th", text, at)))),
        h("tbody", {}, ...panel.table.rows.map((row) => h("tr", {}, ...row.map((text, at) => cell("td", text, at))))));
    },
    end: () => { watch.disconnect(); plotly?.then((Plotly) => Plotly.purge(plot), () => {}); },
  };
}

// How many are left after each step: solid on known facts, hatched what may be added.
function barRows(rows) {
  const all = rows[0].possible || 1, share = (n) => `${(100 * n) / all}%`;
  const head = ["After", "", "At least", "At most", "Leave here"].map((text, at) => h("th", { scope: "col", class: at > 1 ? "figure" : null }, text));
  return [h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows.map((row) => h("tr", {},
    h("th", { scope: "row" }, row.label),
    h("td", { class: "bar" }, h("i", { class: "sure", style: `width:${share(row.certain)}` }), h("i", { class: "may", style: `width:${share(row.possible - row.certain)}` })),
    ...[count(row.certain), count(row.possible), row.leave === null ? "" : count(-row.leave)].map((text) => h("td", { class: "figure" }, text)))))];
}
