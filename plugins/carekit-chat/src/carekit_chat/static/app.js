// The panel: what is known, and what is shown for it.

import { Composer } from "./composer.js";
import { h, icon, link, show } from "./dom.js";
import { choose, t, wait } from "./i18n.js";
import { Log } from "./log.js";
import { Rating } from "./rating.js";
import { Keep, Transport } from "./transport.js";

const $ = (id) => document.getElementById(id);
const config = JSON.parse($("config").textContent);
const framed = parent !== window;
const TELL_EVERY = 3000;
const OVER_AFTER = 6000; // a notice of typing says nothing for longer
const DONE = new Set(["resolved", "closed"]);

class App {
  constructor({ persist = "device", lang, theme }, port) {
    this.port = port;
    this.open = !framed;
    this.unread = 0;
    this.now = null;
    this.waiting = null;
    this.fresh = false;
    this.dress(lang, theme);
    const keep = new Keep(persist, config.channel);
    const socket = new URL("socket", location.href);
    socket.protocol = socket.protocol.replace("http", "ws");
    this.transport = new Transport(socket, keep);
    this.log = new Log(
      { scroller: $("scroller"), list: $("log"), pending: $("pending"), newer: $("newer") },
      (item) => this.transport.retry(item),
    );
    const parts = { form: $("composer"), field: $("field"), button: $("send"), counter: $("counter") };
    this.composer = new Composer(parts, keep, (text) => this.send(text), () => this.typing());
    this.rating = new Rating($("end"), {
      onAnswer: (frame) => this.transport.say(frame),
      onFresh: () => this.again(),
      onGrown: () => this.log.toEnd(),
    });
    this.listen();
    this.transport.connect();
  }

  dress(lang, theme) {
    const { language, direction } = choose([lang, ...navigator.languages]);
    const root = document.documentElement;
    [root.lang, root.dir] = [language, direction];
    if (theme) root.dataset.theme = theme;
    document.title = config.title;
    $("title").textContent = config.title;
    $("avatar").textContent = [...config.title][0]?.toUpperCase() ?? "";
    $("greeting").textContent = config.greeting || t("greeting");
    $("hint").textContent = t("hint");
    $("scroller").setAttribute("aria-label", t("log"));
    $("log").setAttribute("aria-label", t("log"));
    $("typing-text").textContent = t("typing");
    $("newer").textContent = t("newer");
    $("close").setAttribute("aria-label", t("close"));
    $("close").title = t("close");
    $("close").append(icon("M5 7.5l5 5 5-5"));
    $("send").append(icon("M3.5 10h12", "M10.5 4.5 16 10l-5.5 5.5"));
    show($("close"), framed);
  }

  listen() {
    const on = (type, act) => this.transport.addEventListener(type, (event) => act.call(this, event.detail));
    on("frame", this.take);
    on("reset", this.clear);
    on("caughtup", this.caughtUp);
    on("link", this.linked);
    on("outbox", this.moved);
    on("limited", this.limited);
    on("refused", this.refused);
    $("close").addEventListener("click", () => this.tell({ type: "close" }));
    document.addEventListener("keydown", (event) => event.key === "Escape" && !event.isComposing && this.tell({ type: "close" }));
    document.addEventListener("visibilitychange", () => this.looked());
    addEventListener("focus", () => this.looked());
    for (const item of this.transport.outbox) this.log.outgoing(item);
  }

  tell(message) {
    this.port?.postMessage(message);
  }

  happen(name, detail = null) {
    this.tell({ type: "event", name, detail });
  }

  // --- from the page around us

  command(message) {
    if (message.type === "open") this.opened(message.focus);
    else if (message.type === "closed") this.open = false;
    else if (message.type === "prefill") this.composer.text = String(message.text ?? "");
    else if (message.type === "identify") this.identify(message);
    else if (message.type === "reset") this.transport.forget();
  }

  opened(focus) {
    this.open = true;
    this.log.toEnd();
    this.composer.measure();
    if (focus) this.composer.focus();
    this.looked();
  }

  identify({ name, email }) {
    this.claim = { type: "identify", name: String(name ?? "").slice(0, 200), email: String(email ?? "").slice(0, 320) };
    this.calm();
    this.claimed = this.claim.email;
    if (this.transport.say(this.claim)) this.claim = null;
  }

  /** Whoever looks has read: tell the desk, and take the number off the launcher. */
  looked() {
    if (!this.open || document.hidden) return;
    if (this.unread) this.tell({ type: "unread", count: (this.unread = 0) });
    const { conversation, after } = this.transport;
    const mark = `${conversation}:${after}`;
    if (conversation && mark !== this.readTo && this.transport.say({ type: "read", seq: after })) this.readTo = mark;
  }

  // --- from the desk

  take({ frame, live }) {
    if (frame.type === "message") this.message(frame, live);
    else if (frame.type === "agent") this.log.event(this.eventText(frame), frame.at);
    else if (frame.type === "status") this.log.event(t(frame.status === "open" ? "reopened" : frame.status), frame.at);
    else if (frame.type === "survey") this.rating.take(frame);
    else if (frame.type === "now") this.now = frame;
    else if (frame.type === "typing") this.typist(frame.name || t("someone"));
    else if (frame.type === "waiting") this.waiting = frame;
    if (live) this.draw();
    if (live && frame.type === "now" && DONE.has(frame.status)) this.happen("conversation:closed", frame.status);
  }

  eventText({ event, name }) {
    return event === "handoff" ? t("handoff") : t(event, { name: name || t("someone") });
  }

  /** Somebody of the team writes; nobody does any more without a name. */
  typist(name) {
    clearTimeout(this.typistTimer);
    this.writes = name;
    if (name) this.typistTimer = setTimeout(() => (this.typist(""), this.draw()), OVER_AFTER);
  }

  message(frame, live) {
    if (frame.from === "agent") this.typist("");
    if (frame.joins) this.log.event(this.eventText({ event: "joined", name: frame.name }), frame.at);
    this.log.message(frame);
    this.last = frame;
    if (!live) return;
    if (frame.from === "contact") return this.happen("message:sent");
    this.happen("message:received", { from: frame.from });
    if (this.open && !document.hidden) return this.looked();
    this.tell({ type: "unread", count: ++this.unread });
  }

  clear() {
    this.log.quiet(true);
    this.log.reset();
    this.rating.reset();
    [this.now, this.last] = [null, null];
    this.typist("");
    for (const item of this.transport.outbox) this.log.outgoing(item);
  }

  caughtUp() {
    show($("bones"), false);
    this.draw();
    if (this.now) this.tell({ type: "active" });
    setTimeout(() => this.log.quiet(false), 100);
    if (this.claim) this.identify(this.claim);
    this.looked();
  }

  // --- to the desk

  send(text, intent = "") {
    this.calm();
    if (!this.now || this.fresh) this.happen("conversation:started");
    this.transport.send(text, { intent, fresh: this.fresh });
    this.fresh = false;
    this.tell({ type: "active" });
    this.draw();
  }

  typing() {
    if (!this.now || DONE.has(this.now.status) || Date.now() - (this.told ?? 0) < TELL_EVERY) return;
    if (this.transport.say({ type: "typing" })) this.told = Date.now();
  }

  moved(item) {
    this.log.outgoing(item);
    if (item.state === "failed") this.happen("error", "not sent");
  }

  again() {
    this.fresh = true;
    this.log.reset();
    this.draw();
    this.composer.focus();
  }

  // --- what is shown

  draw() {
    const empty = this.log.empty;
    const done = !this.fresh && DONE.has(this.now?.status);
    show($("home"), empty && $("bones").hidden);
    this.say($("typing-text"), this.writes ? t("writes", { name: this.writes }) : t("typing"));
    show($("typing"), Boolean(this.writes || this.now?.typing) && !done);
    this.rating.draw(done ? this.now.status : "", this.fresh);
    this.drawChips(empty, done);
    this.say($("wait"), done ? "" : this.waitText(empty));
    this.say($("presence"), this.presence(done || this.fresh));
    if (this.log.pinned) this.log.toEnd();
  }

  /** Change a live region only when there is something new to say. */
  say(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  waitText(empty) {
    const expecting = !empty && this.now?.handler === "team"; // somebody has it, and has yet to come
    if (this.writes || !this.waiting || (!empty && !expecting && !this.now?.queued)) return "";
    return wait(this.waiting, !empty && Boolean(this.now?.queued)) || (expecting ? t("patience") : "");
  }

  presence(done) {
    if (!done && this.writes) return t("writes", { name: this.writes });
    if (!done && this.now?.handler === "agent") return t("with", { name: this.now.name || t("someone") });
    if (!done && this.now?.handler === "bot") return t("assistant");
    return this.waiting?.open && this.waiting.agents ? t("online") : "";
  }

  drawChips(empty, done) {
    const bot = this.last?.from === "bot" && this.now?.handler === "bot" && !done && !this.fresh;
    const wanted = empty ? config.topics : bot ? [t("person")] : [];
    const chips = $("chips");
    show(chips, wanted.length > 0);
    if (chips.dataset.for === wanted.join("\n")) return;
    chips.dataset.for = wanted.join("\n");
    chips.replaceChildren(...wanted.map((text) => this.chip(text, bot ? "handoff" : "")));
  }

  chip(text, intent) {
    return h("button", { type: "button", class: "chip", dir: "auto", on: { click: () => this.send(text, intent) } }, text);
  }

  /** The strip comes only after three seconds: a short loss is nobody's business. */
  linked(state) {
    if (state === "up") {
      clearTimeout(this.stripTimer);
      this.stripTimer = null;
      this.say($("strip"), "");
      if (this.fatal) show($("notice"), (this.fatal = false));
    } else if (state === "hopeless") this.giveUp();
    else this.stripTimer ??= setTimeout(() => !this.fatal && this.say($("strip"), t("reconnecting")), 3000);
  }

  giveUp() {
    if (this.fatal) return;
    [this.fatal, this.warned] = [true, false];
    show($("bones"), false);
    this.draw();
    const help = config.help;
    const target = help.includes("@") ? `mailto:${help}` : help;
    const [before, after] = t("fatal_help", { help: "\n" }).split("\n");
    const where = help ? [" ", before, link(target, help), after] : [];
    $("notice").replaceChildren(t("fatal"), ...where, " ", t("fatal_retry"));
    show($("notice"), true);
    this.happen("error", "not available");
  }

  /** What the page said of its visitor was not taken: the visitor may know better. */
  refused(code) {
    if (code !== "email") return;
    this.warned = true;
    $("notice").textContent = t("bad_email", { email: this.claimed });
    show($("notice"), true);
    this.happen("error", "not an e-mail address");
  }

  /** Whoever goes on has read it. */
  calm() {
    if (this.warned) show($("notice"), (this.warned = false));
  }

  limited(seconds) {
    this.warned = false;
    clearInterval(this.countdown);
    let left = seconds;
    const tick = () => {
      show($("notice"), left > 0);
      $("notice").textContent = t("limited", { n: left });
      if (left-- <= 0) clearInterval(this.countdown);
    };
    tick();
    this.countdown = setInterval(tick, 1000);
  }
}

/** The page that frames us hands over one end of a channel; the options come with it. */
function welcome(event) {
  if (event.source !== parent || event.data?.carekit !== 1 || !event.ports[0]) return;
  removeEventListener("message", welcome);
  const port = event.ports[0];
  const app = new App(event.data.options ?? {}, port);
  port.onmessage = ({ data }) => app.command(data);
  app.tell({ type: "ready" });
}

if (framed) addEventListener("message", welcome);
else new App(Object.fromEntries(new URLSearchParams(location.search)), null);
