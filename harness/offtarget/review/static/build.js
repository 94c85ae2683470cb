// Elements from values. Text is always text: nothing here reads HTML.
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, String(value));
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== ""));
  return element;
}

const $ = (id) => document.getElementById(id);
const whole = (n) => Number(n).toLocaleString("en");
const plural = (n, one, many) => `${whole(n)} ${n === 1 ? one : many}`;
const today = () => new Date().toISOString().slice(0, 10); // UTC, as the server has it
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// A key as it is printed on a button.
const kbd = (key) => h("kbd", { "aria-hidden": "true" }, key);

function button(text, key, act, more = {}) {
  const { class: kind = "", ...rest } = more;
  return h("button", { type: "button", class: kind, onclick: act, "aria-keyshortcuts": key || null, ...rest }, text, key ? kbd(key) : null);
}

function spans(parts) {
  return parts.map((p) => (p.mark ? h("mark", {}, p.text) : p.text));
}
