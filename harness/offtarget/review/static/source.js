// Where list, cards and decisions come from: the server, or the data inside a page of one file.
async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch {
    throw new Error("the server does not answer: is `offtarget review` still running? Nothing was saved.");
  }
  const found = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
  if (!answer.ok) throw new Error(found.error || `the server answered ${answer.status}`);
  return found;
}

const served = {
  alone: false,
  async open() {
    const hash = new URLSearchParams(location.hash.slice(1));
    if (hash.has("token")) {
      await ask("/api/session", { token: hash.get("token") });
      hash.delete("token");
      history.replaceState(null, "", `#${hash}`);
    }
  },
  list: (every) => ask(`/api/list${every ? "?all=1" : ""}`),
  card: (id, from = 0) => ask(`/api/card?id=${encodeURIComponent(id)}&from=${from}`),
  decide: (what) => ask("/api/decide", what),
  undo: () => ask("/api/undo", {}),
  resolve: (id, take) => ask("/api/resolve", { id, take }),
  plan: (protocol, strength) => ask(`/api/consequences?protocol=${encodeURIComponent(protocol)}&strength=${encodeURIComponent(strength)}`),
  look: (pair) => ask("/api/look", pair),
};

// The same without a server: decisions are held by the page until they are downloaded, and nowhere else.
function embedded(data) {
  const key = (concept, context) => JSON.stringify([concept, context ?? null]);
  const entries = new Map(data.verdicts.map(([concept, scope, entry]) => [key(concept, scope), entry]));
  const items = new Map(data.list.items.map((i) => [i.id, i]));
  const steps = [];
  const shown = (e) => ({ strength: 1, why: "", until: null, date: null, by: "", ...e });
  const acts = (e) => e !== undefined && e.decision !== "undecided";
  const said = (i) => [entries.get(key(i.concept, i.context)), i.context === null ? undefined : entries.get(key(i.concept, null))];
  const first = new Map(data.list.items.map((i) => [i.id, { said: said(i), queue: i.queue, then: i.then }]));
  const open = () => data.conflicts.filter((c) => !acts(entries.get(key(c.concept, c.context))));
  let dirty = false;

  function refresh(concepts) {
    const changed = [];
    const merge = open();
    const contested = new Set(merge.map((c) => c.id));
    for (const [id, item] of items) {
      if (!concepts.has(item.concept)) continue;
      const [own, general] = said(item);
      const was = first.get(id);
      const same = was.said[0] === own && was.said[1] === general; // what was to be looked at again still is
      item.decision = acts(own) ? shown(own) : null;
      item.inherited_decision = !acts(own) && acts(general) ? shown(general) : null;
      item.then = same ? was.then : "";
      item.queue = same ? was.queue : contested.has(id) ? "conflict" : item.decision || item.inherited_decision ? "decided" : "undecided";
      changed.push({ ...item });
      items.set(id, item);
    }
    return { changed, undo: steps.length, merge };
  }

  function put(changes) {
    const before = [];
    for (const [place, entry] of changes) {
      before.push([place, entries.get(place)]);
      if (entry) entries.set(place, entry);
      else entries.delete(place);
    }
    dirty = true;
    return before;
  }

  function done(changes, concepts) {
    if (changes.size) steps.push([put(changes), concepts]);
    return refresh(concepts);
  }

  function named(concept, context) {
    const found = [...items.values(), ...data.conflicts].find((i) => i.concept === concept && i.context === context);
    return { id: found?.id ?? null, label: found?.label ?? concept };
  }

  return {
    alone: true,
    unsaved: () => dirty,
    async open() {},
    list: async () => ({ ...data.list, merge: open(), items: [...items.values()].map((i) => ({ ...i })) }),
    async card(id, from = 0) {
      const rest = data.cards[id];
      return { ...items.get(id), ...rest, pairs: from ? [] : rest.pairs, n_pairs: rest.pairs.length };
    },
    async decide({ ids, decision, scope, strength, why, until, by }) {
      const changes = new Map();
      const concepts = new Set();
      for (const id of ids) {
        const item = items.get(id);
        const context = scope === "context" ? item.context : null;
        const place = key(item.concept, context);
        concepts.add(item.concept);
        if (decision === "undecided" && !entries.has(place)) continue;
        const about = [...items.values()].find((i) => i.concept === item.concept && i.context === context);
        const entry = { concept: item.concept, ...(context ? { context } : {}), decision };
        if (decision !== "undecided") {
          if (strength !== 1) entry.strength = strength;
          entry.by = by || "nobody named";
          entry.date = today();
          if (why) entry.why = why;
          if (until) entry.until = until;
          if (about) {
            const { effect, ci, n, unit } = about;
            entry.seen = { effect, ci, n, unit, audit: data.list.audit, vocabulary: data.list.vocabulary };
          }
        }
        changes.set(place, entry);
      }
      return done(changes, concepts);
    },
    async resolve(id, take) {
      const conflict = open().find((c) => c.id === id);
      const { entry } = conflict.sides.find((s) => s.letter === take);
      return done(new Map([[key(conflict.concept, conflict.context), entry]]), new Set([conflict.concept]));
    },
    async undo() {
      const step = steps.pop();
      if (!step) return { changed: [], undo: 0, merge: open(), undone: [] };
      put(step[0]);
      return { ...refresh(step[1]), undone: step[0].map(([place]) => named(...JSON.parse(place))) };
    },
    file() {
      dirty = false;
      const lines = [...entries.values()].map((e) => `  - ${JSON.stringify(e)}\n`);
      const head = `# Decisions on ${data.list.dataset.replace(/\s+/g, " ")}, made on a page of one file.\nschema_version: 1\nvocabulary: ${data.list.vocabulary}\n`;
      return `${head}verdicts:${lines.length ? "\n" : " []\n"}${lines.join("")}`;
    },
  };
}

const inside = $("data");
const source = inside ? embedded(JSON.parse(inside.textContent)) : served;
