// What every script of a page is made of: elements with their attributes, and the words in them.

function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const count = (n) => n.toLocaleString("en").replace("-", "−");
const plain = (name) => name.replaceAll("_", " ");
const say = (node, text) => { if (node.textContent !== text) node.textContent = text; };
