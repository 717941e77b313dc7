// The few things every module needs: elements, fragments, keyed updates, times. No markup is ever built from text.
export const page = document.body.dataset;
export const skew = Date.parse(page.now) - Date.now(); // the server's clock against this one
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

export class SessionEnded extends Error {}
export class Unreachable extends Error {}
let ended = () => {};
export const whenSessionEnds = (handler) => { ended = handler; };
export const sessionEnded = () => ended();

async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("No connection to the desk.");
  }
  if (response.status === 401 || new URL(response.url).pathname === `${page.base}/login`) {
    ended();
    throw new SessionEnded("Your session has ended.");
  }
  return response;
}

// A page or a part of one, as a document of its own. `quiet` marks what the page asks without a person.
export async function load(url, { quiet = false, signal } = {}) {
  const headers = quiet ? { "X-Console-Live": "1" } : {};
  const response = await ask(url, { headers, signal });
  if (!response.ok) throw Object.assign(new Error("This could not be loaded."), { status: response.status });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

export async function loadJson(url, { quiet = false, signal } = {}) {
  const headers = { Accept: "application/json", ...(quiet ? { "X-Console-Live": "1" } : {}) };
  return (await ask(url, { headers, signal })).json();
}

export async function post(url, fields) {
  const response = await ask(url, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({ csrf: page.csrf, ...fields }),
  });
  const answer = await response.json().catch(() => ({ message: "The desk could not answer. Try again in a moment." }));
  return { ok: response.ok, status: response.status, ...answer };
}

export function announce(text) {
  $("#announce").textContent = text;
}

// Put `fresh` in the place of `old` unless they are the same; what is open in it stays open, what has the focus keeps it.
export function replace(old, fresh) {
  fresh = document.adoptNode(fresh);
  const opened = $$("details", old);
  $$("details", fresh).forEach((one, index) => one.toggleAttribute("open", Boolean(opened[index]?.open)));
  tick(fresh);
  if (old.isEqualNode(fresh)) return old;
  const focus = old.contains(document.activeElement) ? $$("a, button, summary", old).indexOf(document.activeElement) : -1;
  old.replaceWith(fresh);
  if (focus >= 0) $$("a, button, summary", fresh)[focus]?.focus({ preventScroll: true });
  return fresh;
}

// Make the children of `list` those of `fresh`, matched by data-key. Returns the elements that are new.
export function reconcile(list, fresh) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const added = [];
  let cursor = list.firstElementChild;
  for (const next of [...fresh.children]) {
    let child = known.get(next.dataset.key);
    if (child) {
      known.delete(next.dataset.key);
      const here = cursor === child;
      const now = replace(child, next);
      if (here) cursor = now;
      child = now;
    } else {
      child = document.adoptNode(next);
      added.push(child);
    }
    if (child === cursor) cursor = cursor.nextElementSibling;
    else list.insertBefore(child, cursor);
  }
  for (const gone of known.values()) gone.remove();
  return added;
}

const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

export function span(seconds, parts) {
  let rest = Math.max(60, Math.floor(Math.abs(seconds) / 60) * 60);
  const shown = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count) shown.push(`${count} ${unit}`);
  }
  return shown.slice(0, parts).join(" ");
}

// Bring every time and every promise under `root` up to the present minute.
export function tick(root = document) {
  const now = Date.now() + skew;
  for (const time of $$("time", root)) {
    const age = (now - Date.parse(time.dateTime)) / 1000;
    if (age >= 0 && age < 86400) set(time, age < 60 ? "now" : span(age, 1));
  }
  for (const chip of $$("[data-chip]", root)) {
    const { label, due, risk } = chip.dataset;
    const left = (Date.parse(due) - now) / 1000;
    const tone = left < 0 ? "overdue" : now >= Date.parse(risk) ? "risk" : "due";
    const time = span(left, 2);
    const texts = chip.dataset.chip === "short"
      ? { overdue: `Overdue by ${time}`, risk: `At risk: ${time}`, due: `Due in ${time}` }
      : { overdue: `${label} overdue by ${time}`, risk: `${label} at risk: ${time} left`, due: `${label} due in ${time}` };
    set(chip, texts[tone]);
    if (!chip.classList.contains(`chip-${tone}`)) chip.className = `chip chip-${tone}`;
  }
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
