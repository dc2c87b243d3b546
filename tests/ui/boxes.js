// The texts of a page that overlap each other, and those that are cut; as seen, at the top of every box that scrolls.
() => {
  const seen = [];
  const clip = (box, element) => {
    for (let up = element; up && up !== document.body; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const edge = up.getBoundingClientRect();
      box = { left: Math.max(box.left, edge.left), top: Math.max(box.top, edge.top), right: Math.min(box.right, edge.right), bottom: Math.min(box.bottom, edge.bottom) };
    }
    return box;
  };
  const cut = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement, text = node.textContent.trim();
    if (!text || element.closest("script, style, noscript, option, title, desc, .unseen, .skip, .js-plotly-plot .hoverlayer")) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const line of range.getClientRects()) {
      if (line.width < 1 || line.height < 1) continue;
      const shown = clip(line, element);
      if (shown.right - shown.left < 1 || shown.bottom - shown.top < 1) continue;
      const hidden = getComputedStyle(element).overflowX === "hidden" && element.scrollWidth > element.clientWidth + 1;
      if (hidden) cut.push(text.slice(0, 40));
      seen.push({ text, element, ...shown });
    }
  }
  const overlaps = [];
  for (let i = 0; i < seen.length; i += 1)
    for (let j = i + 1; j < seen.length; j += 1) {
      const [a, b] = [seen[i], seen[j]];
      if (a.element === b.element) continue;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 0.3 * Math.min(a.bottom - a.top, b.bottom - b.top)) overlaps.push(`${a.text.slice(0, 40)} | ${b.text.slice(0, 40)}`);
    }
  const wider = document.documentElement.scrollWidth > innerWidth ? [`the page is ${document.documentElement.scrollWidth} px wide`] : [];
  return { overlaps, cut, wider, texts: seen.length };
}
