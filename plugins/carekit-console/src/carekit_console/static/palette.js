// Ctrl+K: commands and conversations in one box.
import { $, $$, h, loadJson, page, SessionEnded, Unreachable } from "./dom.js";
import { go } from "./nav.js";
import { show, activeForm } from "./compose.js";
import { press } from "./keys.js";

let dialog = null;
let options = [];
let current = 0;
let asking = null;
let timer = 0;

const click = (selector) => () => $(selector)?.click();
const visit = (path) => () => ($("#list") && path.startsWith("/view") ? go(page.base + path) : location.assign(page.base + path));
const write = (kind) => () => { show(kind); $("textarea", activeForm())?.focus(); };

function commands() {
  const open = Boolean($("#thread")?.dataset.conversation);
  const found = [
    ...$$("#views a").map((link) => ({ title: `Go to ${link.firstElementChild.textContent}`, run: visit(`/view/${link.dataset.view}`) })),
  ];
  if (!found.length) found.push({ title: "Go to conversations", run: visit("/view/mine") });
  if ($('.top-nav a[href$="/reports"]')) found.push({ title: "Go to Reports", keys: "G R", run: visit("/reports") });
  if (open) {
    if ($("#reply-form")) found.push({ title: "Reply", keys: "R", run: write("reply") }, { title: "Add a private note", keys: "N", run: write("note") });
    for (const [letter, title] of [["i", "Assign to me"], ["e", "Resolve or reopen"]]) {
      if ($(`[data-shortcut="${letter}"]`)) found.push({ title, keys: letter.toUpperCase(), run: click(`[data-shortcut="${letter}"]`) });
    }
    for (const item of $$("#snooze-menu .menu-item")) found.push({ title: `Snooze: ${item.firstElementChild.textContent.toLowerCase()}`, run: () => item.click() });
    for (const item of $$("#assign-menu .menu-item")) found.push({ title: `Assign to ${(item.querySelector(".menu-name") ?? item).textContent}`, run: () => item.click() });
  }
  for (const item of $$("#me [name=presence]")) found.push({ title: `Presence: ${item.textContent.trim()}`, run: () => item.click() });
  for (const item of $$("[data-theme-choice]")) found.push({ title: `Theme: ${item.textContent.trim()}`, run: () => item.click() });
  found.push({ title: "Keyboard shortcuts", keys: "?", run: () => press("?") });
  found.push({ title: "Log out", run: click('form[action$="/logout"] button') });
  return found;
}

export function openPalette() {
  if (dialog?.open) return;
  const input = h("input", {
    class: "field palette-input", type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
    "aria-label": "Search conversations and commands", placeholder: "Search conversations and commands", autocomplete: "off", spellcheck: "false",
    oninput: () => fill(input.value), onkeydown: keydown,
  });
  const list = h("div", { class: "palette-list", id: "palette-list", role: "listbox", "aria-label": "Results" });
  dialog = h("dialog", { "aria-label": "Search", onclose: () => { asking?.abort(); dialog.remove(); } }, input, list,
    h("p", { class: "palette-note" }, "Finds what was said in every conversation, and the newest ones by contact and assignee."));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  fill("");
}

function fill(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = commands().filter((one) => words.every((word) => one.title.toLowerCase().includes(word)));
  draw([...matching.slice(0, text ? 8 : 30)]);
  clearTimeout(timer);
  asking?.abort();
  if (text.trim()) timer = setTimeout(() => search(text, matching), 120);
}

async function search(text, matching) {
  asking = new AbortController();
  try {
    const { conversations } = await loadJson(`${page.base}/find?q=${encodeURIComponent(text)}`, { signal: asking.signal });
    const found = conversations.map((one) => ({ title: one.title, detail: one.detail, keys: one.state, run: () => {
      const url = `${page.base}/c/${encodeURIComponent(one.id)}`;
      if ($("#list")) go(`${url}?view=${$("#list").dataset.view}`, { focus: true });
      else location.assign(url);
    } }));
    draw([...found, ...matching.slice(0, 8)]);
  } catch (error) {
    if (error.name !== "AbortError" && !(error instanceof SessionEnded || error instanceof Unreachable)) throw error;
  }
}

function draw(found) {
  options = found;
  const list = $("#palette-list", dialog);
  list.replaceChildren(...found.map((one, index) =>
    h("div", { role: "option", id: `palette-${index}`, onclick: () => run(index), onpointermove: () => choose(index) },
      h("span", { class: "palette-title", dir: "auto" }, one.title), h("span", { class: "palette-detail", dir: "auto" }, one.detail ?? ""), one.keys ? h("span", { class: "muted" }, one.keys) : null)));
  if (!found.length) list.append(h("div", { role: "option", "aria-disabled": "true", class: "muted" }, "Nothing matches. Try fewer letters."));
  choose(0);
}

function choose(index) {
  current = index;
  const list = $("#palette-list", dialog);
  [...list.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === index && options.length > 0)));
  const chosen = list.children[index];
  if (options.length) {
    $("input", dialog).setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  } else $("input", dialog).removeAttribute("aria-activedescendant");
}

function run(index) {
  const option = options[index];
  if (!option) return;
  dialog.close();
  option.run();
}

function keydown(event) {
  if (event.isComposing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (options.length) choose((current + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length);
  } else if (event.key === "Enter") {
    event.preventDefault();
    run(current);
  }
}
