// Moves between views and conversations without loading the page, and keeps what is shown up to date.
import { $, $$, announce, load, page, post, reconcile, replace, SessionEnded, Unreachable } from "./dom.js";
import { attach, threadChanged, draftsMark } from "./compose.js";

const conversationPath = /\/c\/([^/?#]+)$/;
let going = null; // the navigation under way; a newer one ends it
let threadBusy = false;
let threadAgain = false;

export const openConversation = () => $("#thread")?.dataset.conversation ?? "";

function partOf(url, part) {
  const target = new URL(url, location.href);
  target.searchParams.set("part", part);
  target.hash = "";
  return target;
}

export async function go(url, { push = true, focus = false } = {}) {
  const target = new URL(url, location.href);
  going?.abort();
  const mine = (going = new AbortController());
  const isConversation = conversationPath.test(target.pathname);
  const view = target.searchParams.get("view");
  const sameList = isConversation && $("#list") && (!view || view === $("#list").dataset.view);
  const waiting = setTimeout(() => $("#thread")?.classList.add("is-loading"), 120);
  if (isConversation) select(decodeURIComponent(conversationPath.exec(target.pathname)[1]));
  try {
    const fresh = await load(sameList ? partOf(target, "thread") : target, { signal: mine.signal });
    if (push) history.pushState(null, "", target);
    if (!sameList) {
      $("#views").replaceWith(document.adoptNode($("#views", fresh)));
      $("#list").replaceWith(document.adoptNode($("#list", fresh)));
    }
    $("#thread").replaceWith(document.adoptNode($("#thread", fresh)));
    $("#contact").replaceWith(document.adoptNode($("#contact", fresh)));
    document.body.classList.toggle("has-thread", isConversation);
    shown();
    if (focus && isConversation) $("#thread-body")?.focus({ preventScroll: true });
    announce(isConversation ? `Conversation with ${$("#thread h2").textContent}` : $("#list").dataset.title);
  } catch (error) {
    if (error.name === "AbortError" || error instanceof SessionEnded) return;
    if (error instanceof Unreachable) {
      select(openConversation());
      announce("No connection. What you see is as it was.");
    } else location.assign(target); // let the server say what is wrong
  } finally {
    clearTimeout(waiting);
    if (going === mine) {
      going = null;
      $("#thread")?.classList.remove("is-loading");
    }
  }
}

// What a page needs after its thread was put in: scripts' parts shown, the newest message in view, the draft back.
export function shown() {
  const open = openConversation();
  document.documentElement.classList.add("has-js");
  for (const element of $$(".needs-js[hidden]")) if (element.id !== "composer-edit") element.hidden = false;
  if (open) {
    const body = $("#thread-body");
    body.scrollTop = body.scrollHeight;
    body.addEventListener("scroll", jumpState, { passive: true });
    $("#jump").addEventListener("click", () => { body.scrollTop = body.scrollHeight; });
    attach();
  }
  select(open);
  currentView();
  draftsMark();
  title();
}

// On a narrow screen the views are a strip, of which the current one must be in sight.
function currentView() {
  $("#views [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export function select(id) {
  for (const row of $$("#rows > .row")) {
    const on = row.dataset.key === id;
    row.classList.toggle("is-selected", on);
    const link = $(".row-link", row);
    if (on) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

export function title() {
  const list = $("#list");
  if (!list) return;
  const count = Number(list.dataset.count);
  document.title = `${count ? `(${count > 99 ? "99+" : count}) ` : ""}${list.dataset.title} · ${$(".brand-name").textContent}`;
}

function atEnd(body) {
  return body.scrollHeight - body.scrollTop - body.clientHeight < 80;
}

function jumpState() {
  const body = $("#thread-body");
  if (body) $("#jump").hidden = body.scrollHeight - body.scrollTop - body.clientHeight < 400;
}

export async function refreshThread({ quiet = false } = {}) {
  const id = openConversation();
  if (!id) return;
  if (threadBusy) { threadAgain = true; return; }
  threadBusy = true;
  try {
    const fresh = await load(partOf(location.href, "thread"), { quiet });
    if (openConversation() === id && $("#thread", fresh)?.dataset.conversation === id) mergeThread(fresh);
  } catch (error) {
    if (error.status === 404) location.assign(`${page.base}/`);
    else if (!(error instanceof SessionEnded || error instanceof Unreachable)) throw error;
  } finally {
    threadBusy = false;
    if (threadAgain) { threadAgain = false; refreshThread({ quiet }); }
  }
}

function mergeThread(fresh) {
  const thread = $("#thread"), next = $("#thread", fresh);
  const body = $("#thread-body");
  const stick = atEnd(body);
  const before = Number(thread.dataset.seq);
  for (const name of ["seq", "status"]) thread.dataset[name] = next.dataset[name];
  for (const pending of $$(".is-pending", body)) pending.remove();
  const added = reconcile($("#entries"), $("#entries", next));
  if (!$("#thread-head details[open]")) replace($("#thread-head"), $("#thread-head", next));
  replace($("#contact"), $("#contact", fresh));
  const closes = !$("form", $("#composer", next)) !== !$("form", $("#composer"));
  if (closes) { $("#composer").replaceWith(document.adoptNode($("#composer", next))); shown(); }
  if (stick) body.scrollTop = body.scrollHeight;
  jumpState();
  const messages = added.filter((entry) => entry.dataset.role && Number(entry.dataset.key) > before);
  if (messages.length) announce(messages.length === 1 ? $("article", messages[0]).getAttribute("aria-label") : `${messages.length} new messages`);
  threadChanged(messages);
}

let held = null; // a newer list that waits until it moves nothing under the pointer

export async function refreshList() {
  const list = $("#list");
  if (!list) return;
  const view = list.dataset.view;
  const url = list.hasAttribute("data-paged") ? location.href : `${page.base}/view/${view}`;
  let fresh;
  try {
    fresh = await load(partOf(url, "list"), { quiet: true });
  } catch (error) {
    if (error instanceof SessionEnded || error instanceof Unreachable || error.status) return;
    throw error;
  }
  if ($("#list")?.dataset.view !== view) return;
  if (!$("#me").open) replace($("#me"), $("#me", fresh));
  const views = $("#views");
  if (replace(views, $("#views", fresh)) !== views) currentView();
  const next = $("#list", fresh);
  list.dataset.count = next.dataset.count;
  $(".list-head", list).replaceWith(document.adoptNode($(".list-head", next)));
  merge(list, next);
  select(openConversation());
  draftsMark();
  title();
}

function merge(list, next) {
  const rows = $("#rows", list), fresh = $("#rows", next);
  const keys = (one) => [...one.children].map((row) => row.dataset.key);
  const now = keys(rows), then = keys(fresh);
  const moved = now.join() !== then.join();
  const busy = now.length > 0 && (rows.matches(":hover") || rows.scrollTop > 8);
  if (!moved || !busy) {
    held = null;
    $("#pill").hidden = true;
    reconcile(rows, fresh);
    $("#list-empty")?.remove();
    const empty = $("#list-empty", next);
    if (empty) rows.after(document.adoptNode(empty));
    return;
  }
  held = next.cloneNode(true);
  for (const row of [...rows.children]) {
    const newer = [...fresh.children].find((one) => one.dataset.key === row.dataset.key);
    if (newer) replace(row, newer);
    else row.classList.add("is-gone");
  }
  const count = then.filter((key) => !now.includes(key)).length;
  const pill = $("#pill", list);
  pill.textContent = count ? `${count} new` : "Order changed";
  pill.hidden = false;
}

function release() {
  const list = $("#list");
  if (!held || !list || held.dataset.view !== list.dataset.view) { held = null; return; }
  const next = held;
  held = null;
  $("#pill", list).hidden = true;
  $("#rows", list).scrollTop = 0;
  reconcile($("#rows", list), $("#rows", next));
  select(openConversation());
}

async function act(form, submitter) {
  const fields = Object.fromEntries(new FormData(form, submitter));
  for (const menu of $$("details.menu[open]")) menu.open = false;
  let answer;
  try {
    answer = await post(form.action, fields);
  } catch (error) {
    if (!(error instanceof SessionEnded)) problem(error.message);
    return false;
  }
  if (!answer.ok) problem(answer.message);
  refreshThread();
  refreshList();
  return answer.ok;
}

export function problem(text) {
  const notice = $("#composer-notice");
  if (notice) {
    $("#composer-problem").textContent = text;
    $("#composer-choices").hidden = true;
    notice.hidden = false;
  } else announce(text);
}

export function start() {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a[data-open], a[data-view], a[data-back], a[data-earlier], .pager a, .empty a");
    if (link && $("#list")) {
      event.preventDefault();
      go(link.href, { focus: event.detail === 0 });
    }
    if (event.target.closest("#pill")) release();
    for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("form[data-act]")) {
      event.preventDefault();
      act(form, event.submitter);
    }
    const choice = event.submitter;
    if (choice?.matches("[data-theme-choice], [data-keys-choice]")) {
      event.preventDefault();
      document.documentElement.dataset[choice.name] = choice.value;
      for (const one of choice.parentElement.children) one.setAttribute("aria-pressed", String(one === choice));
      post(form.action, { [choice.name]: choice.value }).catch(() => {});
    }
  });
  document.addEventListener("pointerout", (event) => {
    if (held && event.target.closest?.("#list") && !event.relatedTarget?.closest?.("#list") && $("#rows").scrollTop <= 8) release();
  });
  addEventListener("popstate", () => { if ($("#list")) go(location.href, { push: false }); });
}
