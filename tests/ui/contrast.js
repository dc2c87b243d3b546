// The words inside `root` that stand out least from the ground they are painted on, as [contrast, text], the worst first.
(root) => {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => channels(colour).slice(0, 3).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const opaque = (colour) => { const [, , , alpha = 1] = channels(colour); return alpha === 1; };
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.backgroundImage !== "none") return null; // hatched: computed elsewhere, from the tokens
      if (opaque(style.backgroundColor)) return style.backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  const seen = [];
  for (const node of root.querySelectorAll("*")) {
    const text = [...node.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data.trim()).join("");
    const box = node.getBoundingClientRect();
    if (!text || !box.width || box.width < 2 || node.closest("svg")) continue;
    const [below, above] = [ground(node), getComputedStyle(node).color];
    if (!below) continue;
    const [low, high] = [light(below), light(above)].sort((a, b) => a - b);
    seen.push([(high + 0.05) / (low + 0.05), text]);
  }
  return seen.sort((a, b) => a[0] - b[0]).slice(0, 5);
}
