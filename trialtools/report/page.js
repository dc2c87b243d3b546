// Unpacks plotly.js, which stands in this page as gzip in base64, and draws the figures. Nothing is fetched.
// On a phone a table that does not fit is read row by row: each cell has its heading beside it.
if (matchMedia("screen and (max-width: 560px)").matches)
  for (const table of document.querySelectorAll("main table")) {
    const heads = [...(table.tHead?.rows ?? [])].filter((row) => !row.matches(".gt_heading"));
    if (heads.length !== 1 || table.scrollWidth <= table.parentElement.clientWidth) continue;
    const words = [...heads[0].cells].map((cell) => [...cell.childNodes].filter((node) => !node.matches?.(".gt_footnote_marks")).map((node) => node.textContent).join("").trim());
    for (const row of table.tBodies[0].rows)
      if (row.cells.length === words.length) [...row.cells].forEach((cell, at) => { cell.dataset.head = words[at]; });
    table.classList.add("stacked");
  }
(async () => {
  const plots = document.querySelectorAll(".plot > div");
  const packed = document.getElementById("plotly-packed");
  if (!plots.length || !packed) return;
  const letters = atob(packed.textContent.trim()), bytes = new Uint8Array(letters.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = letters.charCodeAt(at);
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(unpacked).text();
  document.head.append(script);
  for (const plot of plots) {
    const { data, layout, frames } = JSON.parse(plot.nextElementSibling.textContent), phone = layout.meta?.phone;
    const narrow = phone && plot.parentElement.clientWidth < 560; // its rows are laid out another way then
    if (narrow) Object.assign(layout, phone.layout);
    // a figure is as wide as the page, up to what a printed page shows uncut, and no narrower than it was made
    layout.width = Math.max(layout.width || 0, Math.min(plot.parentElement.clientWidth, 760));
    plot.replaceChildren();
    await Plotly.newPlot(plot, { data: narrow ? phone.data : data, layout, frames, config: { displayModeBar: false, displaylogo: false } });
  }
  document.getElementById("js-plotly-tester")?.setAttribute("aria-hidden", "true");
  document.documentElement.dataset.figures = "drawn";
})().catch((error) => {
  document.documentElement.dataset.figures = "failed";
  for (const place of document.querySelectorAll(".undrawn"))
    place.textContent = "This browser could not draw the figure (" + error.message + "). Its numbers stand in the table.";
});
