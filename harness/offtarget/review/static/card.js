// The card of one hypothesis: the claim, what speaks for and against it, the decision, the pairs.
const DECISIONS = [
  ["allow", "Allow", "training may teach it"],
  ["suppress", "Suppress", "training should not teach it"],
  ["amplify", "Amplify", "training should teach it more"],
];
const PAST = { allow: "allowed", suppress: "suppressed", amplify: "amplified" };
const STRENGTHS = [0.25, 0.5, 1, 2, 4];
const TIMES = ["×¼", "×½", "×1", "×2", "×4"];
const placed = (noun, label) => (!noun ? label : label.startsWith(`${noun.replace(/s$/, "")}:`) || label.startsWith(`${noun}:`) ? label : `${noun}: ${label}`);
const here = (item) => ({ topic: "in this topic only", prompts: "for this kind of prompt only", rows: "for these rows only" })[item.context_noun] || "here only";

function fact(name, value, note) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value), note ? h("dd", { class: "note" }, note) : null);
}

function decided(d, covered) {
  const strength = d.strength === 1 ? "" : ` ×${d.strength}`;
  const who = [d.by, d.date].filter(Boolean).join(", ");
  return `${capital(PAST[d.decision] || d.decision)}${strength}${covered ? " everywhere" : ""}${who ? ` by ${who}` : ""}${d.until ? `, until ${d.until}` : ""}${d.why ? `: “${d.why}”` : ""}`;
}

// `desk`: {item, card, form, keys, read_only, conflict, group, reach, act: {...}}
function drawCard(desk) {
  const { item, card, act } = desk;
  if (item.apart) return drawApart(desk);
  const where = item.context === null ? "whole set" : placed(item.context_noun, item.context_label);
  return h(
    "article",
    { class: "one", "aria-labelledby": "label" },
    h("p", { class: "where" }, h("span", { class: "tag" }, where), item.queue === "changed" ? h("span", { class: "tag warn" }, "look again") : null,
      item.queue === "failed" ? h("span", { class: "tag warn" }, "failed in the gate") : null,
      item.queue === "conflict" ? h("span", { class: "tag warn" }, "decided differently") : null),
    h("h2", { id: "label" }, item.named ? item.label : `No name found: ${item.label.replace(/^unnamed: /, "")}`),
    h("p", { class: "claim" }, h("span", { class: item.lean === "chosen" ? "up" : "down", "aria-hidden": "true" }, item.lean === "chosen" ? "▲ " : "▼ "), item.claim),
    item.queue === "failed" ? h("ul", { class: "failed" }, item.failed.map((f) => h("li", {}, h("strong", {}, f.status), `: ${f.text}`))) : null,
    desk.conflict ? drawConflict(desk) : null,
    drawDecision(desk),
    h("div", { id: "plan" }),
    drawFacts(item),
    card ? [drawEvidence(item, card), h("div", { class: "beside" }, drawRelated(card, act, desk.reach), drawElsewhere(card, act), drawForecast(card)), drawPairs(desk)] : h("p", { class: "note" }, "…"),
  );
}

function drawDecision(desk) {
  const { item, form, keys, act, read_only } = desk;
  const off = Boolean(read_only);
  const scope = item.context === null ? "everywhere" : form.scope;
  const now = item.decision || item.inherited_decision;
  const said = item.decision ? decided(item.decision) : item.inherited_decision ? `${decided(item.inherited_decision, true)}; that covers this` : "Undecided";
  return h(
    "section",
    { class: "decide", "aria-label": "Decision" },
    h("p", { class: `state ${now ? now.decision : ""}`, id: "state" }, said, item.then ? h("strong", {}, ` (${item.then})`) : null),
    h("div", { class: "row" },
      DECISIONS.map(([name, text, title]) => button(text, keys[name], () => act.decide(name), { class: `${name} main`, title, disabled: off, "aria-pressed": String(item.decision?.decision === name) })),
      button("Take back", keys.clear, () => act.decide("undecided"), { title: "no decision", disabled: off || !item.decision })),
    h("div", { class: "row small" },
      h("span", { class: "note" }, scope === "context" ? `Decides ${here(item)}.` : "Decides everywhere."),
      item.context === null ? null : button(capital(here(item)), keys.here_only, act.scope, { "aria-pressed": String(scope === "context"), title: "else the decision holds everywhere" }),
      desk.group.length > 1 ? button(`Select the ${desk.group.length} of this statement`, keys.select_group, act.group, { title: "they go together: decide them together" }) : null,
      h("span", { role: "group", "aria-label": "Strength", class: "strength" }, STRENGTHS.map((s, k) => button(TIMES[k], keys[`strength_${k + 1}`], () => act.strength(s), { disabled: off, "aria-pressed": String(form.strength === s), "aria-label": `strength ${s}` })))),
    h("div", { class: "row small" },
      h("label", { class: "why" }, "Reason ", kbd(keys.reason), h("input", { id: "why", value: form.why, disabled: off, autocomplete: "off", maxlength: 2000, oninput: (e) => (form.why = e.target.value) })),
      h("label", {}, "Until ", h("input", { id: "until", type: "date", value: form.until || "", disabled: off, oninput: (e) => (form.until = e.target.value || null) }))),
  );
}

// A conflict on a place that has no hypothesis, so no figures and no pairs.
function drawApart(desk) {
  const { item } = desk;
  return h("article", { class: "one", "aria-labelledby": "label" },
    h("p", { class: "where" }, h("span", { class: "tag" }, item.context === null ? "whole set" : placed(item.context_noun, item.context_label)), h("span", { class: "tag warn" }, "decided differently")),
    h("h2", { id: "label" }, item.label),
    h("p", { class: "note" }, "This audit has no figures of this place: only what people decided."),
    drawConflict(desk));
}

function drawConflict({ item, conflict, act, read_only }) {
  return h(
    "section",
    { class: "decide conflict", "aria-label": "Conflict" },
    h("p", { class: "state" }, item.apart ? "People decided differently. Which counts?" : "People decided differently. Which counts? Or decide anew below."),
    h("ul", {}, conflict.sides.map((s) => h("li", {}, button(`Take ${s.letter}`, null, () => act.resolve(s.letter), { class: "main", disabled: Boolean(read_only) }), h("span", {}, `${decided(s)} `, h("span", { class: "note" }, s.file))))),
  );
}

function drawFacts(item) {
  const equal = item.equal_length;
  return h("dl", { class: "facts" },
    fact("effect", item.effect_text, item.ci_text),
    equal ? fact("at equal length", equal.effect_text, `${equal.ci_text}, q ${equal.q_text}${equal.note ? `: ${equal.note}` : ""}`) : fact("at equal length", "–", item.length_note || "not computed"),
    fact("q", item.q_text, item.finding ? "a finding (q < 0.05)" : "no finding"),
    fact("in two halves", item.halves.agree ? "the same way" : "not the same way", item.halves.agree ? `${item.halves.least} or more in each half of the prompts` : "half of the prompts lean the other way, or not at all"),
    fact("d", item.d_text, item.lean_text),
    fact("rows", whole(item.n), `${whole(item.n_groups)} ${item.groups}`));
}

function drawEvidence(item, { evidence: e, firing }) {
  const lines = [];
  if (item.named) lines.push(`Named by ${e.named_by}${e.fidelity ? `: ${e.fidelity}` : ""}.`);
  else lines.push("No name found: nothing that is measured reads responses as it does. What there is of evidence:");
  if (e.words.length) lines.push(`Words where it fires: ${e.words.join(", ")}${e.words_auroc === null ? "" : ` (AUROC ${e.words_auroc.toFixed(2)} on held-out responses; chance 0.50)`}.`);
  if (e.tokens.length) lines.push(`Tokens: ${e.tokens.join(", ")}.`);
  if (e.read < 0.9995) lines.push(`${(100 * e.read).toFixed(1)} % of rows could be read; the figures are over these.`);
  return h("section", { class: "evidence" }, lines.map((t) => h("p", { class: "note" }, t)), firing.length ? h("ul", { class: "firing" }, firing.map((f) => h("li", { dir: "auto" }, spans(f)))) : null);
}

// The first few of a list, and the others behind a click.
function short(all, draw, most = 4) {
  const rest = all.slice(most);
  return [h("ul", { class: "links" }, all.slice(0, most).map(draw)), rest.length ? h("details", {}, h("summary", {}, `${rest.length} more`), h("ul", { class: "links" }, rest.map(draw))) : null];
}

function drawRelated(card, act, reach) {
  if (!card.related.length) return null;
  const one = (r) => h("li", {}, h("span", { class: "num" }, `r ${r.r.toFixed(2).replace("-", "−")}`), h("span", {}, r.known && reach(r.id) ? h("button", { type: "button", class: "link", onclick: () => act.open(r.id) }, r.label) : r.label, h("span", { class: "note" }, ` ${r.effect_text}`)));
  return h("section", {}, h("h3", {}, "Goes with"), short(card.related, one));
}

function drawElsewhere(card, act) {
  if (!card.contexts.length) return null;
  const one = (c) => h("li", {}, h("span", {}, h("button", { type: "button", class: "link", onclick: () => act.open(c.id) }, placed(c.noun, c.label)), h("span", { class: "note" }, ` ${c.effect_text}, q ${c.q_text}`)));
  return h("section", {}, h("h3", {}, "Also a finding in"), short(card.contexts, one));
}

function drawForecast({ forecast: f }) {
  if (!f) return null;
  return h("section", {}, h("h3", {}, "Forecast"), h("p", {}, `Training on this set should move it by ${f.predicted_text}; swapped labels give up to ±${f.null_text}${f.inside_null ? ", so this says nothing" : ""}.`), h("p", { class: "note" }, `${f.note} (${f.predictor})`));
}

function drawPairs({ item, card, act }) {
  if (card.no_text) return h("section", {}, h("h3", {}, "Pairs"), h("p", { class: "note" }, card.no_text));
  const n = card.pairs.length;
  return h("section", { class: "pairs" },
    h("h3", {}, n === 1 ? "The pair with the largest part in it" : `The ${n} pairs with the largest part in it`),
    card.pairs.map((p) => h("div", { class: "pair" },
      h("p", {}, h("span", { class: "id" }, p.id), Object.entries(p.meta).map(([k, v]) => [" ", h("span", { class: "tag" }, `${k}: ${v}`)])),
      h("div", { class: "text", dir: "auto" }, h("span", { class: "who" }, "prompt"), h("span", {}, "\n"), spans(p.prompt)),
      h("div", { class: "sides" }, ["chosen", "rejected"].map((side) => h("div", { class: `text ${side}`, dir: "auto", tabindex: 0, role: "group", "aria-label": `${side} answer` }, h("span", { class: "who" }, `${side}, ${whole(p[`n_${side}`])} characters`), h("span", {}, "\n"), spans(p[side])))))),
    n < card.n_pairs ? h("p", {}, button(`More pairs (${card.n_pairs - n} left)`, null, act.more)) : null);
}
