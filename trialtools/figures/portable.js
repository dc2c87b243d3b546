// Counts a cohort in the page. A group of patients has, for each reading of each criterion, the set of states that occur
// in it: 1 pass, 2 fail, 4 unknown, added up. A count has a lower end, of whole groups that surely belong, and an upper
// end, of groups of which some may. Where all of a group are alike, the two ends are one. `h` stands above.

const PASS = 1, FAIL = 2, UNKNOWN = 4;
const ENDS = ["certain", "possible"];
const MANY = 6; // changes; of more, a count of a few of them says little

// settings: off (a set of ids), readings (by id), limit (of table.limits, or null) at its value number `at`.
// How many are eligible: certain [from, to] pass every criterion, possible [from, to] fail none. A count that is known
// bounds one that lies near: it differs by no more than what of each group may differ.
function countEligible(table, settings) {
  const here = members(table, settings), near = nearby(table, settings);
  return Object.fromEntries(ENDS.map((end) => {
    const ends = [sum(table, here[end].all), sum(table, here[end].some)];
    for (const base of near) {
      const [less, more] = difference(table, here, base, end), [from, to] = base.counts[end];
      ends[0] = Math.max(ends[0], from + less);
      ends[1] = Math.min(ends[1], to + more);
    }
    return [end, ends];
  }));
}

// Of each group, by end: whether all are eligible, and whether some may be; and the sets of states that say so.
function members(table, settings) {
  const { n, failed, short } = table.groups, criteria = table.criteria.map((criterion) => setsOf(table, criterion, settings));
  const flags = () => ({ all: new Uint8Array(n.length), some: new Uint8Array(n.length) });
  const found = { sets: criteria.map(({ now }) => now), certain: flags(), possible: flags() };
  for (let group = 0; group < n.length; group += 1) {
    // of what is changed, how much may have been failed, or not passed, by the protocol
    let couldFail = 0, couldLack = 0, allPass = true, somePass = true, noneFails = true, someFailNot = true;
    for (const { own, now } of criteria) {
      if (now !== own) { couldFail += Number((own[group] & FAIL) > 0); couldLack += Number(own[group] !== PASS); }
      if (!now) continue;
      const set = now[group];
      allPass &&= set === PASS;
      somePass &&= (set & PASS) > 0;
      noneFails &&= (set & FAIL) === 0;
      someFailNot &&= (set & (PASS | UNKNOWN)) > 0;
    }
    someFailNot &&= failed[group] <= couldFail; // otherwise everybody still fails something that is as it was
    somePass &&= someFailNot && short[group] <= couldLack;
    found.certain.all[group] = allPass; found.certain.some[group] = somePass;
    found.possible.all[group] = noneFails; found.possible.some[group] = someFailNot;
  }
  return found;
}

const sum = ({ groups }, which) => groups.n.reduce((all, n, group) => all + n * which[group], 0);

// The sets of one criterion: as the protocol has them, and now; none where it is off.
function setsOf(table, criterion, { off, readings, limit, at }) {
  const own = table.columns[criterion.columns[criterion.chosen]];
  if (off.has(criterion.id)) return { own, now: null };
  if (limit?.criterion === criterion.id) return { own, now: setsAt(limit, at) };
  return { own, now: table.columns[criterion.columns[readings[criterion.id] ?? criterion.chosen]] };
}

// What was counted near these settings: with some of their changes and no other. Of these the largest.
function nearby(table, settings) {
  table.near_ ??= new Map(table.near.map(([which, ...counts]) => [which.join(), { which, counts: exactly(counts) }]));
  const now = changesOf(table, settings), limit = settings.off.has(settings.limit?.criterion) ? null : settings.limit;
  const atMost = (all, size) => all.reduce((sets, each) => [...sets, ...sets.filter((set) => set.length < size).map((set) => [...set, each])], [[]]);
  const known = atMost(now, now.length > MANY ? 1 : 2).map((which) => table.near_.get(which.join())).filter(Boolean);
  const largest = known.filter(({ which }) => !known.some((other) => other.which.length > which.length && which.every((each) => other.which.includes(each))));
  const near = largest.map((each) => (each.members ??= members(table, settingsOf(table, each.which)), { ...each.members, counts: each.counts }));
  if (limit) for (const [change, rows] of limit.near) {
    const around = [rows.findLast(([which]) => which <= settings.at), rows.find(([which]) => which >= settings.at)];
    if ((change < 0 || now.includes(change)) && around.every(Boolean)) {
      limit.members = limit.members?.at === settings.at ? limit.members : { at: settings.at };
      limit.members[change] ??= members(table, { ...settingsOf(table, change < 0 ? [] : [change]), limit, at: settings.at });
      near.push({ ...limit.members[change], counts: Object.fromEntries(ENDS.map((end, i) => [end, around.map((row) => row[i + 1]).sort((a, b) => a - b)])) });
    }
  }
  return near;
}

const exactly = (counts) => Object.fromEntries(ENDS.map((end, at) => [end, [counts[at], counts[at]]]));
const changesOf = (table, { off, readings }) => table.changes.flatMap(([id, reading], at) => ((reading ? !off.has(id) && readings[id] === reading : off.has(id)) ? [at] : []));
const settingsOf = (table, which) => ({ off: new Set(which.filter((each) => !table.changes[each][1]).map((each) => table.changes[each][0])), limit: null, at: 0,
  readings: Object.fromEntries(which.filter((each) => table.changes[each][1]).map((each) => table.changes[each])) });

// How many fewer and more there may be than in a base: nobody of a group in which nothing that is changed matters.
function difference(table, here, base, end) {
  const { n } = table.groups, harmless = end === "certain" ? PASS : PASS | UNKNOWN;
  const pairs = here.sets.map((now, at) => [now, base.sets[at]]).filter(([now, before]) => now !== before);
  const onlyOff = pairs.every(([now]) => now === null), changed = pairs.flat().filter(Boolean);
  const [all, some, wereAll, wereSome] = [here[end].all, here[end].some, base[end].all, base[end].some];
  let less = 0, more = 0;
  for (let group = 0; group < n.length; group += 1) {
    const low = all[group] - wereSome[group], high = some[group] - wereAll[group];
    if ((low === 0 || (onlyOff && low < 0)) && high === 0) continue;
    if (!changed.some((sets) => (sets[group] & ~harmless) > 0)) continue;
    if (low > 0 || !onlyOff) less += n[group] * low;
    more += n[group] * high;
  }
  return [less, more];
}

// The set of each group at one value of a limit; a curve is written as stretches: from which value on, which set.
function setsAt(limit, at) {
  if (limit.at !== at) {
    limit.at = at;
    limit.sets = limit.curves.map((stretches) => {
      let set = stretches[1];
      for (let i = 2; i < stretches.length && stretches[i] <= at; i += 2) set = stretches[i + 1];
      return set;
    });
  }
  return limit.sets;
}

const between = ([from, to]) => (from === to ? count(from) : `${count(from)} to ${count(to)}`);
let ids = 0;

function explore(root) {
  const table = JSON.parse(root.querySelector("script").textContent);
  table.columns = Array.from(table.groups.sets[0] ?? "", (_, column) => table.groups.sets.map((row) => Number(row[column])));
  const settings = { off: new Set(), readings: {}, limit: null, at: 0 };
  let remark = "";
  const change = (edit) => { remark = ""; edit(); draw(); };

  const headline = h("p", { class: "headline", role: "status", "aria-live": "polite" }), ends = h("p", { class: "note ends" }), differs = h("span", { class: "note" });
  const scale = h("div", { class: "scale", "aria-hidden": "true" }, h("i", { class: "sure" }), h("i", { class: "may" }));
  const reset = h("button", { type: "button", onclick: () => change(() => { settings.off.clear(); settings.readings = {}; settings.limit = null; rows.forEach((row) => row.forget()); }) }, "Back to the protocol");
  const rows = table.criteria.map((criterion) => criterionRow(table, criterion, settings, change, (words) => { remark = words; }));
  const heads = [["Criterion", ""], ["Eligible if switched", "picture"], ["At least", "n"], ["At most", "n"]];
  root.append(h("div", { class: "above" }, headline, scale, ends, h("div", { class: "row" }, differs, reset)),
    h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(([words, kind]) => h("th", { scope: "col", class: kind }, words)))), h("tbody", {}, ...rows.map((row) => row.node))),
    h("p", { class: "note" }, limitsOf(table)));

  function draw() {
    const now = countEligible(table, settings), least = now.certain[0], most = now.possible[1];
    say(headline, `${least === most ? count(least) : `At least ${count(least)} and at most ${count(most)}`} of ${count(table.n)} patients are eligible`);
    say(ends, `Eligible on known facts: ${between(now.certain)}. With everybody of whom something is not known: ${between(now.possible)}.${ENDS.some((end) => now[end][0] < now[end][1]) ? " Each further change moves the ends of a count apart." : ""}`);
    const parts = differences(table, settings);
    say(differs, [remark, parts.length ? `${parts.join("; ")}.` : "As the protocol says; nothing is changed."].filter(Boolean).join(" "));
    reset.hidden = !parts.length;
    paint(scale, now, table.n);
    const switched = table.criteria.map(({ id }) => countEligible(table, { ...settings, off: new Set(settings.off.has(id) ? [...settings.off].filter((other) => other !== id) : [...settings.off, id]) }));
    const longest = Math.max(...switched.map((each) => each.possible[1]));
    rows.forEach((row, at) => row.draw(switched[at], longest));
  }
  draw();
}

const paint = (bar, { certain, possible }, whole) => {
  const share = (n) => `${whole ? (100 * n) / whole : 0}%`;
  bar.firstChild.style.width = share(certain[0]);
  bar.lastChild.style.width = share(possible[1] - certain[0]);
};

const differences = (table, { off, readings, limit, at }) => [
  ...(off.size ? [`${table.criteria.filter(({ id }) => off.has(id)).map(({ id }) => id).join(", ")} off`] : []),
  ...Object.entries(readings).map(([id, reading]) => `${id} read as “${plain(reading)}”`),
  ...(limit ? [`${limit.criterion}, ${limit.label} ${limit.word} ${limit.values[at]} (${limit.value} in the protocol)`] : []),
];

const limitsOf = (table) => `One limit moves at a time. ${table.minimum < 2 ? "" : `No group of fewer than ${table.minimum} patients is in this page, so after a change a count may have two ends: the true one lies between. `}` +
  "Not answered here: two limits at once, limits of another reading, limits of what has no declared range, another wording, subgroups, single patients. The explorer of the notebook answers those.";

function criterionRow(table, criterion, settings, change, remark) {
  const { id } = criterion, name = `tt-portable-${++ids}`;
  const on = h("input", { type: "checkbox", id: name, onchange: () => change(() => {
    settings.off[on.checked ? "delete" : "add"](id);
    if (settings.off.size < table.criteria.length) return;
    settings.off.delete(id);
    remark("One criterion at least must stay on.");
  }) });
  const limits = table.limits.filter((limit) => limit.criterion === id).map((limit) => limitControl(limit, settings, change, remark, name));
  const options = Object.keys(criterion.columns).map((reading) => h("option", { value: reading }, plain(reading)));
  const reading = h("select", { id: `${name}-reading`, onchange: () => change(() => {
    if (reading.value === criterion.chosen) delete settings.readings[id]; else settings.readings[id] = reading.value;
    if (settings.limit?.criterion === id && settings.readings[id]) settings.limit = null;
    limits.forEach((limit) => limit.forget());
  }) }, ...options);
  const read = h("div", { class: "more row" }, h("label", { for: reading.id }, "read as"), reading);
  const label = h("label", { for: name }, h("b", {}, id), ` ${criterion.label}`);
  const bar = h("div", { class: "bar", "aria-hidden": "true" }, h("i", { class: "sure" }), h("i", { class: "may" }));
  const cells = ENDS.map(() => h("td", { class: "n" }));
  const node = h("tr", { "data-criterion": id }, h("td", {}, h("div", { class: "switch" }, on, label), ...(options.length > 1 ? [read] : []), ...limits.map((limit) => limit.node)), h("td", { class: "picture" }, bar), ...cells);
  return {
    node, id,
    forget: () => limits.forEach((limit) => limit.forget()),
    draw(switched, longest) {
      const off = settings.off.has(id);
      on.checked = !off;
      node.classList.toggle("off", off);
      node.classList.toggle("changed", off || id in settings.readings || settings.limit?.criterion === id);
      reading.value = settings.readings[id] ?? criterion.chosen;
      for (const limit of limits) limit.draw(!off && !(id in settings.readings));
      paint(bar, switched, longest);
      ENDS.forEach((end, at) => say(cells[at], between(switched[end])));
    },
  };
}

// A box and a slider. The box may hold what is no value of the limit; then the last good one stays, with a word.
function limitControl(limit, settings, change, remark, name) {
  const own = limit.values.indexOf(limit.value), low = limit.values[0], high = limit.values.at(-1), said = `${limit.criterion}, ${limit.label} ${limit.word}`;
  const move = (at) => change(() => {
    if (at !== own && settings.limit && settings.limit !== limit) remark(`This page moves one limit at a time: ${settings.limit.label} of ${settings.limit.criterion} is as in the protocol again.`);
    if (at === own && settings.limit === limit) settings.limit = null;
    else if (at !== own) Object.assign(settings, { limit, at });
  });
  const range = h("input", { type: "range", min: 0, max: limit.values.length - 1, step: 1, "aria-label": `${said}, slider`, oninput: () => { forget(); move(Number(range.value)); } });
  const box = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", id: `${name}-${limit.threshold}`, "aria-label": said, oninput: () => {
    const text = box.value.trim().replace(",", "."), at = text === "" ? -1 : limit.values.indexOf(Number(text));
    say(wrong, at >= 0 ? "" : `${refusal(text)} ${limit.values[settings.limit === limit ? settings.at : own]} stays.`);
    box.setAttribute("aria-invalid", String(at < 0));
    if (at >= 0) move(at);
  }, onchange: () => { if (!wrong.textContent) draw(!box.disabled); } });
  const wrong = h("div", { class: "wrong", role: "status" });
  function refusal(text) {
    if (text === "" || !Number.isFinite(Number(text))) return "No number is typed.";
    return Number(text) < low || Number(text) > high ? `${text} is outside ${low} to ${high}.` : `${text} is not counted in this page; its neighbours are.`;
  }
  function forget() { say(wrong, ""); box.setAttribute("aria-invalid", "false"); }
  function draw(usable) {
    const at = settings.limit === limit ? settings.at : own;
    range.value = at;
    range.disabled = box.disabled = !usable;
    if (box !== document.activeElement && !wrong.textContent) box.value = limit.values[at];
  }
  return { node: h("div", { class: "more" }, h("div", { class: "limit row" }, h("label", { for: box.id }, `${limit.label} ${limit.word}`), box, h("span", {}, limit.unit), range), wrong), forget, draw };
}

for (const root of document.querySelectorAll(".tt-portable:not([data-ready])")) { root.dataset.ready = "yes"; explore(root); }
