// The page: list, card and keys. The address holds queue, search, view and the open hypothesis.
const QUEUES = [["failed", "Failed in the gate"], ["undecided", "Undecided"], ["changed", "Look again"], ["conflict", "Conflict"], ["decided", "Decided"], ["all", "All"]];
const VIEWS = [["", "everywhere and in parts"], ["overall", "whole set"], ["global", "by topic"], ["local", "by kind of prompt"], ["metadata", "by metadata"], ["every", "every hypothesis, found or not"]];
const MANY = 50000; // rows that are not read before somebody asks for a plan
const page = { list: null, items: new Map(), order: [], shown: [], picked: new Set(), at: null, card: null, form: null, undo: 0 };
const filter = { queue: "undecided", q: "", view: "" };
const lines = new Map();
let keys = {};
let asked = 0;

const said = (text) => { $("said").textContent = text; $("fault").textContent = ""; };
const fault = (error) => { $("fault").textContent = error.message || String(error); };
const current = () => page.items.get(page.at);
const matches = (i) => (filter.queue === "all" || i.queue === filter.queue) && (!filter.view || filter.view === "every" || i.view === filter.view) &&
  (!filter.q || `${i.label} ${i.concept} ${i.context_label || ""}`.toLowerCase().includes(filter.q.toLowerCase()));

function remember() {
  const hash = new URLSearchParams(Object.entries({ ...filter, item: page.at || "" }).filter(([, v]) => v));
  history.replaceState(null, "", `#${hash}`);
}

function blank(item) {
  const d = item.decision;
  const scope = item.context !== null && (item.inherited_decision || d || item.queue === "conflict") ? "context" : "everywhere";
  const until = d?.until >= today() ? d.until : null; // what has expired is decided anew, not until a day that has passed
  return { strength: d?.strength ?? 1, why: d?.why ?? "", until, scope };
}

async function open(id, focus = false) {
  if (!page.items.has(id)) { // not in the list, such as what goes with another without being a finding
    if (source.alone) return;
    try { page.items.set(id, await source.card(id)); } catch (error) { fault(error); return; }
    if (!page.order.includes(id)) page.order.push(id);
  }
  const item = page.items.get(id);
  page.at = id;
  page.card = null;
  page.form = blank(item);
  draw();
  remember();
  lines.get(id)?.scrollIntoView({ block: "nearest" });
  const ticket = ++asked;
  if (item.apart) return;
  try {
    const card = await source.card(id);
    if (ticket !== asked) return;
    page.card = card;
    drawRight();
    if (focus) $("card").focus();
  } catch (error) { fault(error); }
}

function group() {
  const lead = current()?.group;
  return lead ? page.order.filter((id) => page.items.get(id).group === lead) : [];
}

// One after the other, each on what the one before left; what was asked before a failure was seen is not done.
let turn = Promise.resolve();
let failures = 0;
function inTurn(f) {
  const seen = failures;
  turn = turn.then(() => (seen === failures ? f() : undefined)).catch((error) => { failures += 1; fault(error); });
  return turn;
}

const now = {
  open(id, focus) { open(id, focus); }, // its card is not waited for
  async decide(decision, advance = true) {
    if (page.list.read_only || !current()) return;
    if (current().apart && !page.picked.size) { said("Take one of the sides: there is no card of this place."); return; }
    const many = page.picked.size > 0;
    const ids = many ? [...page.picked] : [page.at];
    const { strength, why, until, scope } = page.form;
    const left = listed();
    const found = await source.decide({ ids, decision, scope, strength, why, until, by: $("by")?.value });
    take(found);
    const next = after(many ? new Set(ids) : new Set([page.at]), left);
    const what = ids.length > 1 ? plural(ids.length, "hypothesis", "hypotheses") : current().label;
    const how = decision === "undecided" ? "taken back" : PAST[decision];
    page.picked.clear();
    if (advance && decision !== "undecided" && next) open(next);
    else stay();
    said(`${source.alone ? "Held" : "Saved"}: ${what}, ${how}${decision !== "undecided" && scope === "context" ? " here only" : ""}.`);
    plan();
  },
  // The decision on this card anew, with the strength and the reason that the form now has.
  async again() {
    const { context, decision } = current();
    page.form.scope = context === null ? "everywhere" : "context";
    await now.decide(decision.decision, false);
  },
  async undo() {
    const found = await source.undo();
    take(found);
    const { undone } = found;
    const first = undone.find((place) => page.items.has(place.id));
    if (first) open(first.id);
    else stay();
    said(undone.length > 1 ? `Taken back: ${undone.length} decisions that were made together.` : undone.length ? `Taken back: ${undone[0].label}.` : "Nothing to take back.");
    plan();
  },
  async resolve(letter) {
    const left = listed();
    const at = page.at;
    take(await source.resolve(page.at, letter));
    const next = after(new Set([at]), left);
    if (next) open(next); else stay();
    said(`${source.alone ? "Held" : "Saved"}: side ${letter} counts.`);
    plan();
  },
  scope() {
    if (current()?.context == null) return;
    page.form.scope = page.form.scope === "context" ? "everywhere" : "context";
    drawRight();
    said(page.form.scope === "context" ? "Decides here only." : "Decides everywhere.");
  },
  async strength(value) {
    if (!page.form) return;
    page.form.strength = value;
    const d = current().decision;
    if (d && d.decision !== "allow" && !page.picked.size) await now.again();
    else { drawRight(); said(`Strength ${value}.`); }
  },
  async reason() {
    if (current()?.decision) await now.again();
    else said("The reason goes with the next decision on this card.");
  },
  step,
  undecided,
  group() { group().forEach((id) => page.picked.add(id)); draw(); said(`${page.picked.size} selected.`); },
  filter() { page.shown.filter((id) => !page.items.get(id).apart).forEach((id) => page.picked.add(id)); draw(); said(`${page.picked.size} selected: all of this filter.`); },
  pick(id = page.at) { if (!page.items.has(id) || page.items.get(id).apart) return; if (page.picked.has(id)) page.picked.delete(id); else page.picked.add(id); draw(); said(`${page.picked.size} selected.`); },
};
const act = Object.fromEntries(Object.entries(now).map(([name, f]) => [name, (...given) => inTurn(() => f(...given))]));
act.more = async () => {
  const { at, card } = page;
  try {
    const { pairs } = await source.card(at, card.pairs.length);
    card.pairs.push(...pairs);
    if (page.card === card) drawRight();
  } catch (error) { fault(error); }
};

function stay() {
  if (current()) page.form = blank(current());
  draw();
}

// The list after the open one, then before it, and in which queue that is: as it is before a decision.
function listed() {
  const k = page.shown.indexOf(page.at);
  const queue = ["failed", "conflict", "changed"].includes(current().queue) ? current().queue : "undecided";
  return { queue, rest: [...page.shown.slice(k + 1), ...page.shown.slice(0, Math.max(k, 0))] };
}

// The next one of the list that is none of these: of a conflict the next conflict, else one that is not decided either. What
// the decision covers is not offered: a key there would make an exception of it.
function after(done, { queue, rest }) {
  const left = rest.filter((id) => !done.has(id) && page.items.has(id));
  return left.find((id) => page.items.get(id).queue === queue) || (filter.queue === queue ? null : left[0]);
}

function take(found) {
  for (const i of found.changed) {
    if (!page.items.has(i.id) && !i.finding && !i.decision && i.queue !== "conflict") continue;
    page.items.set(i.id, i);
    if (!page.order.includes(i.id)) page.order.push(i.id);
    lines.delete(i.id);
  }
  page.undo = found.undo;
  page.list.merge = found.merge;
  apart();
}

// Conflicts on places that have no card, such as rows of some metadata (`where:`), are in the list while they are open.
function apart() {
  for (const [id, item] of page.items) if (item.apart) { page.items.delete(id); lines.delete(id); }
  page.order = page.order.filter((id) => page.items.has(id));
  for (const c of page.list.merge) {
    if (c.card || page.items.has(c.id)) continue;
    page.items.set(c.id, { ...c, apart: true, queue: "conflict", view: "", finding: false, group: null, lean: "", effect_text: "", decision: null, inherited_decision: null });
    page.order.push(c.id);
  }
}

function line(item) {
  const mark = item.decision || item.inherited_decision;
  const sign = { allow: "✓", suppress: "−", amplify: "+" }[mark?.decision] || "";
  const under = item.context === null ? "" : item.apart ? item.context_label : `${item.context_label}, against elsewhere`;
  const sub = item.group && item.group !== item.id && item.context === null;
  return h("li", { class: sub ? "along" : "" },
    h("input", { type: "checkbox", disabled: Boolean(item.apart), "aria-label": `select ${item.label}${under ? `, ${under}` : ""}`, onchange: () => act.pick(item.id) }),
    h("button", { type: "button", class: "line", onclick: () => act.open(item.id, true) },
      h("span", { class: "name" }, item.named ? item.label : `no name: ${item.label.replace(/^unnamed: /, "")}`, under ? h("span", { class: "under" }, under) : null),
      h("span", { class: `eff ${item.lean === "chosen" ? "up" : "down"}` }, item.effect_text),
      h("span", { class: `sign ${mark?.decision || ""}`, title: mark ? PAST[mark.decision] : "" }, sign, mark ? h("span", { class: "sr" }, ` ${PAST[mark.decision]}`) : null)));
}

function draw() { drawTop(); drawList(); drawRight(); }

function drawTop() {
  const items = page.order.map((id) => page.items.get(id)).filter((i) => i.finding);
  const done = items.filter((i) => i.queue === "decided").length;
  const others = page.order.filter((id) => !page.items.get(id).finding && page.items.get(id).queue === "decided").length;
  $("progress").replaceChildren(h("progress", { max: items.length || 1, value: done, "aria-label": "findings decided" }), h("span", {}, `${whole(done)} of ${plural(items.length, "finding", "findings")} decided${others ? `, and ${whole(others)} that ${others === 1 ? "is" : "are"} no finding` : ""}`));
  $("undo").disabled = !page.undo || Boolean(page.list.read_only);
  const counts = Object.fromEntries(QUEUES.map(([name]) => [name, 0]));
  for (const id of page.order) { counts[page.items.get(id).queue] += 1; counts.all += 1; }
  $("queues").replaceChildren(...QUEUES.filter(([name]) => counts[name] || name === filter.queue || !["failed", "changed", "conflict"].includes(name)).map(([name, text]) =>
    h("button", { type: "button", "aria-pressed": String(filter.queue === name), onclick: () => set({ queue: name }) }, text, h("span", { class: "count" }, whole(counts[name])))));
}

async function set(change) {
  Object.assign(filter, change);
  if (filter.view === "every" && !page.every) await fill(true);
  draw();
  if (!page.shown.includes(page.at) && page.shown.length) open(page.shown[0]);
  else { lines.get(page.at)?.scrollIntoView({ block: "nearest" }); remember(); }
}

function drawList() {
  page.shown = page.order.filter((id) => matches(page.items.get(id)));
  const rows = page.shown.map((id) => {
    if (!lines.has(id)) lines.set(id, line(page.items.get(id)));
    const li = lines.get(id);
    li.firstChild.checked = page.picked.has(id);
    if (id === page.at) li.lastChild.setAttribute("aria-current", "true"); else li.lastChild.removeAttribute("aria-current");
    return li;
  });
  const list = $("list");
  if (rows.length !== list.children.length || rows.some((li, k) => list.children[k] !== li)) list.replaceChildren(...rows);
  const left = { failed: "Nothing that failed in the gate is left here.", undecided: "Nothing is left undecided here.", conflict: "No conflict is left here.", changed: "Nothing is left to look at again here." };
  const more = filter.q && page.order.some((id) => { const i = page.items.get(id); return filter.queue === "all" || i.queue === filter.queue; });
  $("none").replaceChildren(...(rows.length ? [] : filter.q ? [`Nothing here matches “${filter.q}”${more ? ": other entries do not show. " : ". "}`, button("Clear the search", null, () => { $("search").value = ""; set({ q: "" }); })] : [left[filter.queue] || "Nothing matches."]));
  const n = page.picked.size;
  const all = page.shown.filter((id) => !page.items.get(id).apart).length;
  $("picked").replaceChildren(
    button(`Select all ${whole(all)}`, keys.select_filter, act.filter, { disabled: !all }),
    n ? button("Clear", null, () => { page.picked.clear(); draw(); }) : "",
    h("span", {}, n ? `${whole(n)} selected: a decision is for all of them` : ""));
}

function drawRight() {
  const item = current();
  if (!item) { $("card").replaceChildren(h("p", { class: "note" }, page.order.length ? "Choose a concept." : "The audit has no findings: nothing to decide.")); return; }
  const focused = document.activeElement?.id;
  const pressed = document.activeElement?.closest("#card button")?.textContent;
  const conflict = item.queue === "conflict" ? page.list.merge.find((c) => c.id === item.id) : null;
  const plan = $("plan");
  $("card").replaceChildren(drawCard({ item, card: page.card, form: page.form, keys, read_only: page.list.read_only, conflict, group: group(), reach: (id) => page.items.has(id) || !source.alone, act }));
  if (plan?.hasChildNodes() && $("plan")) $("plan").replaceWith(plan); else drawPlan();
  if (["why", "until"].includes(focused)) $(focused)?.focus();
  if (pressed) [...$("card").querySelectorAll("button")].find((b) => b.textContent === pressed && !b.disabled)?.focus({ preventScroll: true });
}

// What the decisions so far would do.
const asks = { protocol: null, strength: "" };
let waiting = 0;
function drawPlan() {
  if (source.alone || !$("plan")) return;
  const protocols = page.list.protocols;
  asks.protocol ??= protocols[0].name;
  const about = (name) => protocols.find((p) => p.name === name);
  const strength = h("input", { type: "number", step: "any", min: 0, id: "strength", value: asks.strength, placeholder: about(asks.protocol).strength, title: about(asks.protocol).unit, oninput: (e) => { asks.strength = e.target.value; plan(); } });
  const select = h("select", { id: "protocol", onchange: (e) => { asks.protocol = e.target.value; strength.placeholder = about(asks.protocol).strength; strength.title = about(asks.protocol).unit; plan(); } }, protocols.map((p) => h("option", { value: p.name, selected: p.name === asks.protocol, title: p.about }, p.name)));
  $("plan").replaceChildren(h("details", { class: "plan", ontoggle: (e) => { if (e.target.open) plan(); } },
    h("summary", {}, "Consequences: ", h("span", { id: "short" }, "…")),
    h("div", { class: "row small" }, h("label", {}, "Protocol ", select), h("label", {}, "Strength ", strength)),
    h("div", { id: "long" })));
  plan();
}

async function plan() {
  if (source.alone || !$("plan")?.hasChildNodes()) return;
  if (page.list.n_pairs > MANY && !$("plan").firstChild.open) { $("short").textContent = `of ${whole(page.list.n_pairs)} rows: open to compute`; return; }
  const ticket = ++waiting;
  await new Promise((done) => setTimeout(done, 120));
  if (ticket !== waiting) return;
  let found;
  try { found = await source.plan(asks.protocol, asks.strength); } catch (error) { found = { rows_touched: 0, of: page.list.n_pairs, weights: null, shifts: [], notes: [error.message] }; }
  if (ticket !== waiting || !$("short")) return;
  const moved = found.shifts.filter((s) => s.target).map((s) => `${s.label.split(" (")[0]} ${s.before_text} → ${s.after_text}`);
  $("short").textContent = found.weights ? `${asks.protocol} touches ${whole(found.rows_touched)} of ${whole(found.of)} rows. ${moved.slice(0, 2).join("; ")}${moved.length > 2 ? `; ${moved.length - 2} more` : ""}` : found.notes[0] || "none";
  $("long").replaceChildren(...(found.weights ? [drawWeights(found.weights), h("p", { class: "note" }, "Each row's weight at the start of training against plain DPO: 1 as before, 0 left out, below 0 reversed. Bars are as long as the rows are many."), drawShifts(found.shifts)] : []), h("ul", { class: "note" }, (found.weights ? found.notes : found.notes.slice(1)).map((t) => h("li", {}, t))));
}

function drawWeights({ edges, counts }) {
  const most = Math.max(...counts, 1);
  const lines = counts.map((n, k) => {
    const bar = h("span", { class: "bar" });
    bar.style.width = n ? `max(2px, ${(100 * n) / most}%)` : "0";
    return n ? h("tr", {}, h("td", { class: "n" }, `${edges[k]} to ${edges[k + 1]}`), h("td", { class: "n" }, whole(n)), h("td", { class: "track" }, bar)) : null;
  });
  return h("table", { class: "weights" }, h("thead", {}, h("tr", {}, h("th", { class: "n" }, "weight"), h("th", { class: "n" }, "rows"), h("th", {}))), h("tbody", {}, lines));
}

function drawShifts(shifts) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Expected shifts" }, h("table", {}, h("caption", {}, "Expected shift of every target, and of the concepts that move most"), h("thead", {}, h("tr", {}, h("th", {}, "concept"), h("th", { class: "n" }, "plain DPO"), h("th", { class: "n" }, "under the plan"))),
    h("tbody", {}, shifts.map((s) => h("tr", { class: s.target ? "ref" : "" }, h("td", {}, s.label), h("td", { class: "n" }, s.before_text), h("td", { class: "n" }, s.after_text))))));
}

function step(by) {
  if (!page.shown.length) return;
  const k = page.shown.indexOf(page.at);
  open(page.shown[Math.min(Math.max(k + by, 0), page.shown.length - 1)]);
}

// The next one, after the open one, that nobody decided on.
function undecided() {
  const k = page.order.indexOf(page.at);
  const id = [...page.order.slice(k + 1), ...page.order.slice(0, k)].find((i) => page.items.get(i).queue === "undecided");
  if (!id) { said("Nothing is left undecided."); return; }
  if (!matches(page.items.get(id))) Object.assign(filter, { queue: "undecided", q: "", view: "" });
  open(id);
}

const does = {
  next: () => act.step(1), previous: () => act.step(-1),
  allow: () => act.decide("allow"), suppress: () => act.decide("suppress"), amplify: () => act.decide("amplify"), clear: () => act.decide("undecided"),
  ...Object.fromEntries(STRENGTHS.map((s, k) => [`strength_${k + 1}`, () => act.strength(s)])),
  reason: () => $("why")?.focus(), here_only: act.scope, undo: act.undo, search: () => $("search").focus(),
  next_undecided: () => act.undecided(),
  select: () => act.pick(), select_group: () => act.group(), select_filter: () => act.filter(), help: () => $("keys").showModal(),
};
const WORDS = {
  next: "next", previous: "the one before", allow: "allow", suppress: "suppress", amplify: "amplify", clear: "take the decision back", strength_1: "strength ×¼", strength_2: "strength ×½", strength_3: "strength ×1",
  strength_4: "strength ×2", strength_5: "strength ×4", reason: "write the reason (Enter keeps it)", here_only: "in this topic only, or everywhere", undo: "undo", search: "search", next_undecided: "next undecided", select: "select",
  select_group: "select all of the statement", select_filter: "select all of this filter", help: "this sheet",
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const t = event.target;
  if (t.matches?.("input:not([type=checkbox]), textarea, select")) {
    if (event.key === "Escape") t.blur();
    if (event.key === "Enter" && t.id === "why") { t.blur(); act.reason(); }
    if (event.key === "Enter" && t.id === "search") t.blur();
    return;
  }
  const arrow = { ArrowDown: "next", ArrowUp: "previous" }[event.key];
  if (arrow && t.closest?.(".text, .scroll")) return;
  const action = arrow || Object.keys(keys).find((name) => keys[name] === event.key);
  if (!action || !does[action]) return;
  event.preventDefault();
  if (event.repeat && !["next", "previous"].includes(action)) return; // a key that is held down decides once
  does[action]();
}

function drawKeys() {
  $("keys").replaceChildren(h("h2", {}, "Keys"), h("dl", {}, Object.entries(WORDS).map(([name, text]) => [h("dt", {}, kbd(keys[name])), h("dd", {}, text)])), h("p", { class: "note" }, "Arrow keys move too. Other keys: [review.keys] in offtarget.toml."), h("form", { method: "dialog" }, h("button", {}, "Close")));
}

function drawLook() {
  const field = (name) => h("label", {}, capital(name), h("textarea", { id: `look-${name}`, rows: 4 }));
  const out = h("div", { id: "looked", "aria-live": "polite" });
  const go = async () => {
    const pair = Object.fromEntries(["prompt", "chosen", "rejected"].map((n) => [n, $(`look-${n}`).value]));
    try {
      const { concepts } = await source.look(pair);
      out.replaceChildren(concepts.length ? h("table", {}, h("thead", {}, h("tr", {}, ["concept", "chosen", "rejected", "feeds"].map((t) => h("th", {}, t)))), h("tbody", {}, concepts.map((c) => h("tr", {}, h("td", {}, c.label), h("td", {}, c.chosen), h("td", {}, c.rejected), h("td", {}, c.hypotheses.map((id) => h("button", { type: "button", class: "link", onclick: () => { $("look").close(); act.open(id); } }, page.items.get(id)?.effect_text || "the finding"))))))) : h("p", { class: "note" }, "The answers differ in no concept of this audit."));
    } catch (error) { out.replaceChildren(h("p", { class: "down" }, error.message)); }
  };
  $("look").replaceChildren(h("h2", {}, "Look at a pair"), h("p", { class: "note" }, "Which concepts tell these two answers apart, and which findings such a pair feeds."), ...["prompt", "chosen", "rejected"].map(field), h("p", { class: "row" }, button("Look", null, go, { class: "main" }), button("Close", null, () => $("look").close())), out);
}

function download() {
  const link = h("a", { href: URL.createObjectURL(new Blob([source.file()], { type: "text/yaml" })), download: "verdicts.yaml" });
  link.click();
  URL.revokeObjectURL(link.href);
  said("Downloaded: verdicts.yaml.");
}

async function fill(every) {
  page.list = await source.list(every);
  page.every = every;
  page.items = new Map(page.list.items.map((i) => [i.id, i]));
  page.order = [...page.items.keys()];
  lines.clear();
  apart();
}

async function start() {
  const hash = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(filter)) if (hash.has(name)) filter[name] = hash.get(name);
  try {
    await source.open();
    await fill(filter.view === "every" && !source.alone);
    if (!hash.has("queue") && [...page.items.values()].some((i) => i.queue === "failed")) filter.queue = "failed";
  } catch (error) { fault(error); return; }
  const { list } = page;
  keys = list.keys;
  page.undo = list.undo;
  document.title = `${list.dataset}: review`;
  $("dataset").textContent = list.dataset;
  $("about").textContent = source.alone ? `${whole(list.n_pairs)} pairs. Decisions are held by this page: download them before you close it.` : `${whole(list.n_pairs)} pairs. ${list.by ? `${list.by} decides; saved` : "Saved"} in ${list.file}`;
  if (list.read_only) $("fault").textContent = $("about").textContent = `${capital(list.read_only)}.`;
  $("tools").replaceChildren(
    source.alone ? h("label", {}, "Your name ", h("input", { id: "by", value: list.by })) : "",
    source.alone ? button("Download verdicts.yaml", null, download, { class: "main" }) : button("Look at a pair", null, () => $("look").showModal()),
    button("Undo", keys.undo, act.undo, { id: "undo" }), button("Keys", keys.help, () => $("keys").showModal()));
  $("left").replaceChildren(h("div", { id: "queues", role: "group", "aria-label": "Queues" }),
    h("div", { class: "row small" }, h("label", { class: "grow" }, h("span", { class: "sr" }, "Search"), h("input", { id: "search", type: "search", placeholder: `search (${keys.search})`, value: filter.q, oninput: (e) => set({ q: e.target.value }) })),
      h("label", {}, h("span", { class: "sr" }, "View"), h("select", { id: "view", onchange: (e) => set({ view: e.target.value }) }, VIEWS.filter(([value]) => value !== "every" || !source.alone).map(([value, text]) => h("option", { value, selected: filter.view === value }, text))))),
    h("div", { id: "picked", class: "row small" }), h("p", { id: "none", class: "note" }), h("ul", { id: "list" }));
  drawKeys();
  drawLook();
  draw();
  const wanted = hash.get("item");
  const first = page.items.has(wanted) ? wanted : page.shown[0] || page.order[0];
  if (first) await open(first);
  document.body.dataset.ready = "yes";
}

document.addEventListener("keydown", onKey);
window.addEventListener("beforeunload", (event) => { if (source.alone && source.unsaved()) event.preventDefault(); });
start();
