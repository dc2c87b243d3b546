// Sets what a person could set in the explorer of a report, and tells what it shows then.
(asked) => {
  const root = document.querySelector(".tt-portable");
  const at = (id) => root.querySelector(`[data-criterion="${id}"]`);
  root.querySelector("button").click();
  for (const id of asked.off) at(id).querySelector("[type=checkbox]").click();
  for (const [id, reading] of Object.entries(asked.readings)) {
    const list = at(id).querySelector("select");
    list.value = reading;
    list.dispatchEvent(new Event("change"));
  }
  let took = null;
  if (asked.limit) {
    const [id, which, value] = asked.limit, range = at(id).querySelectorAll("[type=range]")[which];
    const begin = performance.now();
    range.value = value;
    range.dispatchEvent(new Event("input"));
    root.getBoundingClientRect(); // lays it out
    took = performance.now() - begin;
  }
  const rows = [...root.querySelectorAll("tbody tr")];
  return {
    headline: root.querySelector(".headline").textContent,
    ends: root.querySelector(".ends").textContent,
    cells: rows.map((row) => [...row.querySelectorAll("td.n")].map((cell) => cell.textContent)),
    took,
  };
}
