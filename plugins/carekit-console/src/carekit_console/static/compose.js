// The composer: two tabs, drafts that survive, a send that repeats nothing and overlooks nothing.
import { $, $$, announce, h, page, post, SessionEnded } from "./dom.js";
import { counted } from "./counter.js";
import { openConversation, refreshList, refreshThread } from "./nav.js";

const draftKey = (id, kind) => `carekit:draft:${page.agent}:${id}:${kind}`;
const store = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { if (value) localStorage.setItem(key, value); else localStorage.removeItem(key); return true; } catch { return false; } },
  keys() { try { return Object.keys(localStorage); } catch { return []; } },
};

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const forms = () => $$("#composer form.write");
const textOf = (form) => $("textarea", form);
export const activeForm = () => $(`#${$("#composer")?.dataset.kind === "note" ? "note" : "reply"}-form`);

export function attach() {
  const composer = $("#composer");
  if (!composer?.matches("section")) return;
  const id = openConversation();
  for (const form of forms()) {
    const kind = form.dataset.kind, area = textOf(form);
    const saved = store.get(draftKey(id, kind));
    if (!area.value && saved) { area.value = saved; draftState("Draft"); }
    area.addEventListener("input", () => { keep(form, id); counter(form); if (kind === "reply") typing(form); });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
        event.preventDefault();
        send(form, { resolve: event.shiftKey });
      }
    });
    form.addEventListener("submit", (event) => { event.preventDefault(); send(form, { anyway: Boolean(event.submitter?.closest("#composer-choices")) }); });
    form.dataset.seen = $("#thread").dataset.seq;
    counter(form);
  }
  for (const tab of $$("[role=tab]", composer)) {
    tab.addEventListener("click", () => { show(tab.id === "tab-note" ? "note" : "reply"); textOf(activeForm()).focus(); });
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      show(composer.dataset.kind === "note" ? "reply" : "note");
      $("[role=tab][aria-selected=true]", composer).focus();
    });
  }
  for (const form of forms()) {
    const panel = $(`#panel-${form.dataset.kind}`);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `tab-${form.dataset.kind}`);
  }
  const edit = $("#composer-edit");
  edit.hidden = false;
  edit.addEventListener("click", () => { caughtUp(); textOf(activeForm()).focus(); });
  const noteOnly = store.get(draftKey(id, "note")) && !store.get(draftKey(id, "reply"));
  show(noteOnly ? "note" : composer.dataset.kind);
}

export function show(kind) {
  const composer = $("#composer");
  if (!composer?.matches("section")) return;
  composer.dataset.kind = kind;
  for (const tab of $$("[role=tab]", composer)) {
    const on = tab.id === `tab-${kind}`;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
  }
}

// A notice every few seconds that a reply is being written. A note is nobody's business outside.
let told = 0;

function typing(form) {
  if (!textOf(form).value.trim() || Date.now() - told < 3000) return;
  told = Date.now();
  post(form.action.replace(/\/reply$/, "/typing"), {}).catch(() => {}); // no harm if it is lost
}

function keep(form, id) {
  const kept = store.set(draftKey(id, form.dataset.kind), textOf(form).value);
  draftState(!textOf(form).value ? "" : kept ? "Draft saved" : "Draft not saved: this browser keeps nothing");
  draftsMark();
}

function draftState(text) {
  const state = $("#draft-state");
  if (state && state.textContent !== text) state.textContent = text;
}

// Rows with a draft say so.
export function draftsMark() {
  const prefix = `carekit:draft:${page.agent}:`;
  const ids = new Set(store.keys().filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length).replace(/:(reply|note)$/, "")));
  for (const row of $$("#rows > .row")) {
    const mark = $(".chip-draft", row);
    if (ids.has(row.dataset.key) && !mark) $(".row-channel", row).after(h("span", { class: "chip chip-draft" }, "Draft"));
    else if (mark && !ids.has(row.dataset.key)) mark.remove();
  }
}

function counter(form) {
  const shown = $(".counter", form), { max, segments } = $("#composer").dataset;
  if (!shown) return;
  const { text, over } = counted(textOf(form).value, Number(max), segments && JSON.parse(segments));
  shown.hidden = !text;
  shown.textContent = text;
  shown.classList.toggle("counter-over", over);
}

function notice(text, { choices = false, news = [] } = {}) {
  $("#composer-problem").textContent = text;
  $("#composer-notice").className = `notice notice-${choices ? "warn" : "bad"}`;
  $("#composer-choices").hidden = !choices;
  $("#composer-news").replaceChildren(...news.map((entry) => h("p", {}, h("strong", {}, $("strong", entry)?.textContent ?? ""), ": ", $(".message-text", entry)?.textContent ?? "")));
  $("#composer-notice").hidden = !text;
}

function caughtUp() {
  const form = $("#reply-form");
  if (!form) return;
  form.elements.expected_seq.value = $("#thread").dataset.seq;
  notice("");
}

const newsSince = (seq) => $$("#entries > .message").filter((entry) => Number(entry.dataset.key) > seq && entry.dataset.role !== "note");

// The thread was brought up to date. What the writer has certainly seen is counted as seen; a message that crosses a
// half-written reply is shown beside it first. In a chat the contact's own lines are the conversation, so they pass.
export function threadChanged(messages) {
  const form = $("#reply-form");
  if (!form) return;
  const seen = Number(form.elements.expected_seq.value);
  const news = newsSince(seen);
  const chatting = $("#thread").dataset.live === "yes" && news.every((entry) => entry.dataset.role === "contact");
  if (!textOf(form).value.trim() || form.dataset.sending || !news.length || chatting) {
    form.elements.expected_seq.value = $("#thread").dataset.seq;
  } else if (messages.length) {
    notice("New since you began to write:", { choices: true, news });
  }
}

export async function send(form, { anyway = false, resolve = false } = {}) {
  const area = textOf(form), kind = form.dataset.kind, id = openConversation();
  const text = area.value;
  if (form.dataset.sending) return;
  if (!text.trim()) { area.focus(); return; }
  if ($(".counter-over", form)) { notice("This is more than the channel takes. Shorten it, then send it."); area.focus(); return; }
  if (anyway) form.elements.expected_seq.value = $("#thread").dataset.seq;
  form.dataset.sending = "1";
  const button = $(".write-foot button", form), label = button.textContent;
  button.disabled = true;
  area.readOnly = true;
  notice("");
  const pending = pendingEntry(kind, text);
  $("#entries").append(pending);
  $("#thread-body").scrollTop = $("#thread-body").scrollHeight;
  const late = setTimeout(() => { button.textContent = "Sending"; }, 400);
  try {
    const fields = { text, key: form.elements.key.value, view: $("#list")?.dataset.view ?? "" };
    if (kind === "reply") fields.expected_seq = form.elements.expected_seq.value;
    const answer = await post(form.action, fields);
    if (answer.ok) await sent(form, id, kind, answer, resolve);
    else await refused(form, answer);
  } catch (error) {
    if (!(error instanceof SessionEnded)) notice("Not sent: no connection to the desk. Your text is kept; send it again when you are back.");
  } finally {
    clearTimeout(late);
    pending.remove();
    button.textContent = label;
    button.disabled = false;
    area.readOnly = false;
    delete form.dataset.sending;
  }
}

async function sent(form, id, kind, answer, resolve) {
  store.set(draftKey(id, kind), "");
  textOf(form).value = "";
  counter(form);
  form.elements.key.value = newKey();
  draftState("");
  announce(kind === "note" ? "Note added" : "Sent");
  if (resolve) await post(form.action.replace(/\/(reply|note)$/, "/resolve"), {});
  if (openConversation() === id) {
    if (kind === "reply") form.elements.expected_seq.value = answer.seq;
    await refreshThread();
    $("#thread-body").scrollTop = $("#thread-body").scrollHeight;
    textOf(form).focus({ preventScroll: true });
  }
  refreshList();
}

async function refused(form, answer) {
  if (answer.error === "stale") {
    const seen = Number(form.elements.expected_seq.value);
    await refreshThread();
    form.elements.key.value = newKey(); // nothing was kept under the old one
    notice(answer.message, { choices: true, news: newsSince(seen) });
    form.elements.expected_seq.value = seen;
  } else {
    if (answer.error === "key_reused") { form.elements.key.value = newKey(); refreshThread(); }
    notice(answer.message);
  }
  textOf(form).readOnly = false;
  textOf(form).focus({ preventScroll: true });
}

function pendingEntry(kind, text) {
  const head = h("header", {}, h("strong", {}, "You"), kind === "note" ? h("span", { class: "tag tag-note" }, "Private note") : null, h("span", {}, "Sending"));
  const main = h("div", { class: "message-main" }, head, h("div", { class: "message-text", dir: "auto" }, text));
  const avatar = h("span", { class: "avatar", "aria-hidden": "true" }, "…");
  return h("li", { class: `message is-pending ${kind === "note" ? "message-note note" : "message-agent"}`, "data-key": "pending" }, h("article", { "aria-label": "Sending" }, avatar, main));
}
