// The messages: in order, grouped, and never announced twice.

import { h, link, linked, safe } from "./dom.js";
import { day, t, time } from "./i18n.js";

const GROUP = 5 * 60 * 1000;

/** The text decides its own direction; the bubble around it keeps the page's, so that its tail points the right way. */
const words = (text) => h("div", { class: "bubble" }, h("div", { dir: "auto" }, ...linked(text)));

export class Log {
  /** *parts*: the scroller, the live list, the list of messages on their way, and the button to the newest. */
  constructor({ scroller, list, pending, newer }, onRetry) {
    Object.assign(this, { scroller, list, pending, newer, onRetry });
    this.items = new Map();
    this.last = null;
    this.pinned = true;
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    newer.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.pinned && this.toEnd()).observe(scroller);
  }

  /** Silence while history comes in: a screen reader should not recite it. */
  quiet(on) {
    this.list.setAttribute("aria-live", on ? "off" : "polite");
  }

  reset() {
    this.list.replaceChildren();
    this.pending.replaceChildren();
    this.items.clear();
    this.last = null;
    this.receipt = null;
  }

  get empty() {
    return !this.list.childElementCount && !this.pending.childElementCount;
  }

  // --- messages that the desk has

  message(frame) {
    const at = new Date(frame.at);
    this.divide(at);
    const mine = frame.from === "contact";
    const who = mine ? "me" : `${frame.from}:${frame.name}`;
    const grouped = this.last && this.last.who === who && at - this.last.at < GROUP;
    const row = this.row(frame, at, mine, grouped);
    if (frame.id) this.items.get(frame.id)?.remove();
    if (frame.id) this.items.delete(frame.id);
    this.list.append(row);
    this.last = { who, at };
    if (mine) this.sent(row, at);
    this.grown(mine);
  }

  row(frame, at, mine, grouped) {
    const name = mine ? t("you") : frame.from === "bot" ? t("assistant") : frame.name || t("team");
    const stamp = h("time", { datetime: frame.at }, time(at));
    const meta = h("p", { class: mine ? "meta hush" : "meta" }, h("span", { class: "who" }, name), " ", mine ? null : stamp);
    const bubble = words(frame.text);
    const kind = mine ? "out" : `in ${frame.from}`;
    return h("div", { class: `row ${kind}${grouped ? " more" : ""}` }, grouped && !mine ? null : meta, bubble, this.sources(frame.sources));
  }

  sources(sources) {
    if (!sources?.length) return null;
    const cards = sources.map(({ title, url }) => {
      const address = url && safe(url);
      const host = address ? new URL(address).host : "";
      const body = [h("span", { class: "source-title", dir: "auto" }, title), h("span", { class: "source-host" }, host)];
      return h("li", {}, address ? link(address, ...body) : h("span", { class: "source-plain" }, ...body));
    });
    return h("ul", { class: "sources", "aria-label": t("sources") }, ...cards);
  }

  /** "Sent 14:03" stands under the newest of the visitor's own messages only. */
  sent(row, at) {
    this.receipt?.remove();
    this.receipt = h("p", { class: "receipt" }, t("sent", { time: time(at) }));
    row.append(this.receipt);
  }

  /** A line of its own: somebody joined, the conversation was resolved. */
  event(text, at) {
    this.divide(new Date(at));
    this.list.append(h("p", { class: "event" }, text));
    this.last = { who: "", at: this.last.at };
    this.grown(false);
  }

  divide(at) {
    const date = at.toDateString();
    if (this.last && this.last.at.toDateString() === date) return;
    if (this.last || date !== new Date().toDateString()) this.list.append(h("p", { class: "event day" }, day(at)));
    this.last = { who: "", at };
  }

  // --- messages on their way

  outgoing(item) {
    if (item.state === "sent") return;
    let row = this.items.get(item.id);
    if (!row) {
      const bubble = words(item.text);
      row = h("div", { class: "row out" }, h("p", { class: "meta hush" }, t("you")), bubble, h("p", { class: "receipt" }));
      this.items.set(item.id, row);
      this.pending.append(row);
      this.grown(true);
    }
    row.dataset.state = item.state;
    const receipt = row.querySelector(".receipt");
    if (item.state === "failed") receipt.replaceChildren(...this.failure(item));
    else receipt.replaceChildren(t(item.state === "queued" ? "queued" : "sending"));
    if (item.state === "failed") receipt.setAttribute("role", "alert");
    else receipt.removeAttribute("role");
  }

  failure(item) {
    const text = item.reason ? t("refused", { text: item.reason }) : t("failed");
    const button = h("button", { type: "button", class: "retry", on: { click: () => this.onRetry(item) } }, t("retry"));
    return [h("span", {}, text), " ", button];
  }

  // --- where we look

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.pinned = scrollHeight - scrollTop - clientHeight < 48;
    if (this.pinned) this.newer.hidden = true;
  }

  /** Something was added: follow it if the end was in view or it is the visitor's own, else say that there is more. */
  grown(mine) {
    if (this.pinned || mine) this.toEnd();
    else this.newer.hidden = false;
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.pinned = true;
    this.newer.hidden = true;
  }
}
