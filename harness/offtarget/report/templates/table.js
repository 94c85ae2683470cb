"use strict";
for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const listed = [...body.rows];
  const value = (row, k) => {
    const cell = row.cells[k];
    if (cell.dataset.v === undefined) return cell.textContent.trim();
    return cell.dataset.v === "" ? null : Number(cell.dataset.v);
  };
  heads.forEach((head, k) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const first = head.dataset.first === "descending" ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      sort(k, head.getAttribute("aria-sort") === first ? other : first);
    });
  });
  const sort = (k, next) => {
    heads.forEach((h) => h.removeAttribute("aria-sort"));
    heads[k].setAttribute("aria-sort", next);
    const way = next === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row, i) => [value(row, k), i, row]);
    rows.sort(([a, i], [b, j]) => {
      if (a === null || b === null) return (a === null) - (b === null) || i - j;
      const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
      return way * order || i - j;
    });
    body.append(...rows.map(([, , row]) => row));
  };
  if (table.classList.contains("stack")) {
    // where rows are stacked there is no head to press: the same from a list
    const label = document.createElement("label");
    label.className = "sort";
    const list = document.createElement("select");
    list.add(new Option("as listed", ""));
    heads.forEach((head, k) => {
      const name = [...head.firstElementChild.childNodes].map((n) => n.textContent.trim()).filter(Boolean).join(" ");
      const falling = head.dataset.first === "descending";
      for (const next of falling ? ["descending", "ascending"] : ["ascending", "descending"]) {
        list.add(new Option(`${name}, ${next === "ascending" ? "smallest" : "largest"} first`, `${k} ${next}`));
      }
    });
    list.addEventListener("change", () => {
      const [k, next] = list.value.split(" ");
      if (next) sort(Number(k), next);
      else body.append(...listed);
    });
    label.append("Sort by", list);
    (table.closest(".scroll") ?? table).before(label);
  }
  const controls = document.querySelector(`[data-controls="${table.id}"]`);
  if (!controls) continue;
  const count = controls.querySelector("output");
  const apply = () => {
    const text = controls.querySelector("input[type=search]").value.trim().toLowerCase();
    const wanted = [...controls.querySelectorAll("select")].filter((s) => s.value).map((s) => [s.name, s.value]);
    const only = controls.querySelector("input[type=checkbox]");
    let shown = 0;
    for (const row of body.rows) {
      const fits =
        (!text || row.textContent.toLowerCase().includes(text)) &&
        wanted.every(([name, v]) => row.dataset[name] === v) &&
        (!only.checked || row.dataset[only.name] === "1");
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${body.rows.length} shown`;
  };
  controls.addEventListener("input", apply);
  controls.hidden = false;
  apply();
}
