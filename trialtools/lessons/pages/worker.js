// The engine: Python, Z3 and the lessons, away from the page so that it stays quick. Nothing outside this folder is asked.
import { loadPyodide } from "./pyodide.mjs";

const { packages, files, luggage } = await (await fetch("site.json")).json();
const python = await loadPyodide({ indexURL: "./" });
const site = python.runPython("import site; site.getsitepackages()[0]");
await Promise.all(packages.map(async name => {
  const got = await fetch(name);
  if (!got.ok) throw new Error(`${name} is not there`);
  await python.unpackArchive(await got.arrayBuffer(), name.endsWith(".whl") ? "wheel" : "zip", { extractDir: site });
}));
const lessons = python.pyimport("trialtools.lessons.pages.in_browser");
lessons.bring(JSON.stringify(luggage), ...files);
onmessage = ({ data: { call, what, id, text } }) => {
  try {
    postMessage({ call, said: JSON.parse(what == "hint" ? lessons.help_with(id) : lessons.reply(id, text)) });
  } catch (error) {
    postMessage({ call, said: { right: null, lines: [`The engine cannot say: ${error.message.trim().split("\n").pop()}`] } });
  }
};
postMessage({ ready: true });
