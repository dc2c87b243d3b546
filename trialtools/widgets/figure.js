// One figure that stays where it is: its tabs, controls of its own, the table of its numbers, the call that makes it.
// `Plotly` stands above, and has classes of its own inside a figure (line, text, plot, bars): none of ours is named so.

function figurePane(about, uid, choose, controls = []) {
  const tabs = about.tabs.map(([name, words]) => h("button", { type: "button", role: "tab", id: `${uid}-tab-${name}`, "aria-controls": `${uid}-view`, ...OWN_KEYS, onclick: () => choose(name),
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(event.currentTarget) + step + tabs.length) % tabs.length];
      next.focus(); next.click(); event.preventDefault();
    } }, words));
  const svg = h("div", { class: "svg" }), plot = h("div", { class: "drawing", role: "img" });
  const caption = h("p", { class: "aside caption" }), table = h("table"), code = h("pre", { class: "call" });
  return {
    node: h("div", { class: "pane view" }, h("div", { class: "tabs", role: "tablist", "aria-label": "Figures" }, ...tabs),
      h("div", { role: "tabpanel", id: `${uid}-view` }, h("div", { class: "controls" }, ...controls), svg, plot, caption,
        h("details", {}, h("summary", OWN_KEYS, "Show the call"), code), h("div", { class: "cells", tabindex: "0", role: "group", "aria-label": "Table of the figure's numbers" }, table))),
    draw(panel) {
      tabs.forEach((each, place) => {
        const here = about.tabs[place][0] === panel.tab;
        each.setAttribute("aria-selected", String(here));
        each.tabIndex = here ? 0 : -1;
      });
      svg.hidden = !panel.svg; plot.hidden = !panel.figure;
      svg.innerHTML = panel.svg; // made and escaped by figures.flow
      if (panel.figure) {
        const { data, layout } = JSON.parse(panel.figure);
        plot.setAttribute("aria-label", panel.alt);
        Plotly.react(plot, data, layout, { displaylogo: false, responsive: false, displayModeBar: false });
      }
      const more = panel.table.more ? ` The table leaves out ${count(panel.table.more)} more rows; the call makes them all.` : "";
      say(caption, panel.caption + more);
      say(code, panel.call);
      const cell = (tag, text, place) => h(tag, { class: panel.table.figures[place] ? "figure" : null, scope: tag === "th" ? "col" : null }, text);
      table.replaceChildren(h("thead", {}, h("tr", {}, ...panel.table.columns.map((text, place) => cell("th", text, place)))),
        h("tbody", {}, ...panel.table.rows.map((row) => h("tr", {}, ...row.map((text, place) => cell("td", text, place))))));
    },
    end: () => Plotly.purge(plot),
  };
}
