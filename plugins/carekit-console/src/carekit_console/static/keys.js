// Single letters, matched on event.key; never in a field, with a modifier, or while an input method composes.
import { $, $$, h } from "./dom.js";
import { go } from "./nav.js";
import { activeForm, show } from "./compose.js";
import { openPalette } from "./palette.js";

const SHEET = [
  ["Ctrl K", "Search and commands"], ["J / K", "Next / previous row"], ["Enter or O", "Open"], ["R", "Reply"], ["N", "Private note"],
  ["Ctrl Enter", "Send"], ["Ctrl Shift Enter", "Send and resolve"], ["E", "Resolve or reopen"], ["A", "Assign"], ["I", "Assign to me"], ["S", "Snooze"],
  ["/", "Search"], ["Esc", "Leave, close, back"], ["G then I U W B S A R", "Go to a view or Reports"], ["?", "This sheet"],
];
const VIEWS = { i: "mine", u: "unassigned", w: "waiting", a: "all", s: "snoozed", b: "bot" };
let going = 0;

const on = () => document.documentElement.dataset.keys !== "off";
const inField = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function move(step) {
  const links = $$("#rows .row-link");
  if (!links.length) return;
  let index = links.indexOf(document.activeElement);
  if (index < 0) index = links.findIndex((link) => link.getAttribute("aria-current")) ;
  const next = links[index < 0 ? 0 : Math.min(links.length - 1, Math.max(0, index + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function write(kind) {
  show(kind);
  $("textarea", activeForm() ?? document.createElement("div"))?.focus();
}

function menu(id) {
  const found = $(id);
  if (!found) return;
  found.open = true;
  $(".menu-item", found)?.focus();
}

function sheet() {
  const close = h("button", { class: "button", type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = h("dialog", { "aria-labelledby": "sheet-title", onclose: () => dialog.remove() },
    h("div", { class: "sheet" }, h("header", {}, h("h2", { id: "sheet-title" }, "Keyboard shortcuts"), close),
      h("dl", {}, ...SHEET.map(([keys, text]) => h("div", {}, h("dt", {}, h("kbd", {}, keys)), h("dd", {}, text)))),
      h("p", { class: "muted" }, "Single letters can be switched off in the menu under your presence.")));
  document.body.append(dialog);
  dialog.showModal();
}

export function press(key) {
  if (going) {
    clearTimeout(going);
    going = 0;
    const base = document.body.dataset.base;
    if (key === "r") $('.top-nav a[href$="/reports"]')?.click();
    else if (VIEWS[key]) $("#list") ? go(`${base}/view/${VIEWS[key]}`) : location.assign(`${base}/view/${VIEWS[key]}`);
    return true;
  }
  const actions = {
    j: () => move(1), k: () => move(-1), o: () => document.activeElement?.matches(".row-link") && document.activeElement.click(),
    r: () => write("reply"), n: () => write("note"), e: () => $('[data-shortcut="e"]')?.click(), i: () => $('[data-shortcut="i"]')?.click(),
    a: () => menu("#assign-menu"), s: () => menu("#snooze-menu"), "/": openPalette, "?": sheet,
    g: () => { going = setTimeout(() => { going = 0; }, 1200); },
  };
  if (!Object.hasOwn(actions, key)) return false;
  actions[key]();
  return true;
}

function escape(event) {
  const open = $$("details.menu[open]").at(-1);
  if (open) { open.open = false; $("summary", open).focus(); }
  else if (location.hash === "#contact") { location.hash = "#thread"; }
  else if (inField(event.target)) { $("#thread-body")?.focus(); }
  else ($("#rows .is-selected .row-link") ?? $("#rows .row-link"))?.focus();
}

function inMenu(event) {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return false;
  const items = $$(".menu-item", menu), index = items.indexOf(event.target);
  items[(index + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length]?.focus();
  return true;
}

export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    if ($("dialog[open]")) return;
    if (event.key === "Escape") { escape(event); return; }
    if (inMenu(event)) { event.preventDefault(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || inField(event.target) || !on()) return;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.closest?.("#rows")) {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (press(key)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-command="palette"]')) openPalette();
  });
}
