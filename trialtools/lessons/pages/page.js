// The page asks its worker and shows the reply below the question; what is asked before the engine is there waits for it.
const state = document.getElementById("state"), waiting = new Map();
let worker, ready = false, calls = 0;

function fail(why) {
  state.className = "say wrong";
  state.textContent = `The engine did not start: ${why}. The quiz works without it.`;
}

if (location.protocol == "file:") fail("a page from a file may not run it; serve this folder (python -m http.server)");
else worker = new Worker("worker.js", { type: "module" });

worker?.addEventListener("message", ({ data: { call, said } }) => {
  if (call) { waiting.get(call)(said); waiting.delete(call); return; }
  ready = true;
  state.textContent = "The engine is ready. Choose an answer, or type one and press Enter.";
});
worker?.addEventListener("error", event => {
  event.preventDefault();
  fail(event.message || "this browser does not run it");
});

for (const section of document.querySelectorAll(".question")) {
  const id = section.dataset.id, box = section.querySelector(".reply"), input = section.querySelector("input");
  const answers = [...section.querySelectorAll("button[data-answer]")];
  const ask = (what, text) => {
    if (!worker) return;
    box.className = "reply";
    box.textContent = ready ? "…" : "… The engine is still on its way; the reply will stand here.";
    waiting.set(++calls, said => show(section, box, said));
    worker.postMessage({ call: calls, what, id, text });
  };
  for (const button of answers) button.onclick = () => {
    for (const each of answers) each.setAttribute("aria-pressed", each == button);
    ask("reply", button.dataset.answer);
  };
  section.querySelector("form")?.addEventListener("submit", event => { event.preventDefault(); ask("reply", input.value); });
  section.querySelector(".hint")?.addEventListener("click", () => ask("hint", ""));
}

function show(section, box, { right, lines }) {
  const verdict = { true: ["✓ Right."], false: ["✗ Not yet."], null: [] }[right];
  box.className = right === false ? "reply say wrong" : "reply say";
  box.replaceChildren(...[...verdict, ...lines].map(line));
  if (right) section.dataset.right = "";
  const lesson = section.closest("article"), all = lesson.querySelectorAll(".question"), done = lesson.querySelectorAll("[data-right]");
  lesson.querySelector(".done").textContent = `${done.length} of ${all.length} right so far.`;
}

// what stands between ` and ` is code
function line(text) {
  const p = document.createElement("p");
  p.append(...text.split("`").map((part, n) => n % 2 ? Object.assign(document.createElement("code"), { textContent: part }) : part));
  return p;
}

function route() {
  const lessons = [...document.querySelectorAll("article")], wanted = lessons.find(one => "#" + one.id == location.hash) || lessons[0];
  for (const one of lessons) one.hidden = one != wanted;
  for (const link of document.querySelectorAll("nav a[href^='#']")) {
    if (link.hash == "#" + wanted.id) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
}
onhashchange = route;
route();

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
dark.onchange = theme;
theme();
