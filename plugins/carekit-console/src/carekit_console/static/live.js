// One stream a page: it says what changed, and the page fetches it.
import { $, loadJson, page, sessionEnded, SessionEnded } from "./dom.js";
import { openConversation, refreshList, refreshThread } from "./nav.js";

let source = null;
let failures = 0;
let timer = 0;
let last = 0;

// At once when it was quiet, then at most every 600 ms: a burst of messages costs a list or two, not hundreds.
function listSoon() {
  if (timer) return;
  const wait = Math.max(0, 600 - (performance.now() - last));
  timer = setTimeout(() => { timer = 0; last = performance.now(); refreshList(); }, wait);
}

// Who writes in the open conversation, each until they have sent it or nothing was heard of them for a while.
const writers = new Map();
const LIST = new Intl.ListFormat("en");

function writes(by, name) {
  const place = $("#writing");
  if (!place) return;
  clearTimeout(writers.get(by)?.timer);
  writers.delete(by);
  if (name) writers.set(by, { name, place, timer: setTimeout(() => writes(by, ""), 6000) });
  const names = [...writers.values()].filter((one) => one.place === place).map((one) => one.name);
  place.textContent = names.length ? `${LIST.format(names)} ${names.length > 1 ? "are" : "is"} writing` : "";
}

function connect() {
  source = new EventSource(`${page.base}/live`);
  source.addEventListener("hello", () => {
    failures = 0;
    state("");
    refreshThread({ quiet: true });
    listSoon();
  });
  source.addEventListener("typing", (event) => {
    const { id, by, name } = JSON.parse(event.data);
    if (id === openConversation()) writes(by, name || $("#writing").dataset.contact);
  });
  source.addEventListener("changed", (event) => {
    const { changes } = JSON.parse(event.data);
    for (const { id, by, kind } of changes) if (id === openConversation() && /^message_/.test(kind)) writes(by, "");
    if (changes.some((change) => change.id === openConversation())) refreshThread({ quiet: true });
    listSoon();
  });
  source.addEventListener("ended", async () => {
    source.close();
    if (await alive()) connect(); // only what this agent may see has changed
  });
  source.addEventListener("error", async () => {
    failures += 1;
    state(failures > 1 ? `Live updates paused. Reconnecting (${failures})` : "Reconnecting");
    if (source.readyState !== EventSource.CLOSED) return;
    if (await alive()) setTimeout(connect, Math.min(15000, 1000 * failures));
  });
}

async function alive() {
  try {
    await loadJson(`${page.base}/who`, { quiet: true });
    return true;
  } catch (error) {
    if (error instanceof SessionEnded) { state("Logged out"); sessionEnded(); return false; }
    return true;
  }
}

function state(text) {
  $("#live-state").textContent = text;
}

export function start() {
  if (!$("#list")) return;
  connect();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
}
