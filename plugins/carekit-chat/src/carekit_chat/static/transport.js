// The socket, and the messages that wait for it: kept until the desk has them, sent one at a time in order.

const PAUSES = [0.5, 1, 2, 3, 4];
const RETRIES = [1, 3, 9];
const ACK_WITHIN = 8000;
const HOPELESS = 4;

/** What outlives a reload, as far as the page allows: "device", "tab" or "none". */
export class Keep {
  constructor(persist, name) {
    this.prefix = `carekit:${name}:`;
    this.memory = new Map();
    try {
      this.area = persist === "none" ? null : persist === "tab" ? sessionStorage : localStorage;
    } catch {
      this.area = null; // the browser gives frames of other sites no storage
    }
  }

  get(key) {
    try {
      const text = this.area ? this.area.getItem(this.prefix + key) : this.memory.get(key);
      return text ? JSON.parse(text) : null;
    } catch {
      return null;
    }
  }

  set(key, value) {
    const text = value === null ? null : JSON.stringify(value);
    this.memory.set(key, text);
    try {
      if (text === null) this.area?.removeItem(this.prefix + key);
      else this.area?.setItem(this.prefix + key, text);
    } catch {
      this.area = null; // full or forbidden: this page's memory has to do
    }
  }
}

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

/**
 * Talks to the service. Dispatches "frame" (a frame to show, `live` false while catching up), "reset", "caughtup",
 * "link" (detail: up, waiting, down or hopeless), "outbox" (an item that changed) and "limited" (seconds).
 */
export class Transport extends EventTarget {
  constructor(url, keep) {
    super();
    this.url = url;
    this.keep = keep;
    this.token = keep.get("token");
    this.outbox = (keep.get("outbox") ?? []).map((item) => ({ ...item, state: "queued", tries: 0 }));
    this.conversation = null;
    this.after = 0;
    this.seen = new Set();
    this.ready = false;
    this.failures = 0;
    addEventListener("online", () => this.connect());
    addEventListener("offline", () => this.socket?.close());
    addEventListener("storage", (event) => this.adopt(event));
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // --- the connection

  connect() {
    clearTimeout(this.again);
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    const socket = (this.socket = new WebSocket(this.url));
    socket.onopen = () => this.put({ type: "hello", token: this.token, conversation: this.conversation, after: this.after });
    socket.onmessage = (event) => socket === this.socket && this.take(JSON.parse(event.data));
    socket.onclose = () => socket === this.socket && this.lost();
  }

  lost() {
    this.ready = false;
    this.failures += 1;
    clearTimeout(this.unanswered);
    if (this.flying?.state === "sending") this.change(this.flying, "queued");
    this.flying = null;
    this.tell("link", this.failures >= HOPELESS && !this.greeted ? "hopeless" : "down");
    const pause = PAUSES[Math.min(this.failures, PAUSES.length) - 1];
    this.again = setTimeout(() => this.connect(), pause * 1000 * (0.75 + Math.random() / 2));
  }

  put(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  /** Say something that need not outlive the connection. */
  say(frame) {
    if (this.ready) this.put(frame);
    return this.ready;
  }

  stop() {
    clearTimeout(this.again);
    clearTimeout(this.unanswered);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** Another tab of this visitor has begun to write: be the same visitor, unless this one has begun as well. */
  adopt(event) {
    if (event.key !== `${this.keep.prefix}token` || this.conversation || this.outbox.length) return;
    const token = this.keep.get("token");
    if (!token || token === this.token) return;
    this.token = token;
    this.stop();
    this.connect();
  }

  // --- what comes in

  take(frame) {
    if (frame.type === "state") this.catchUp(frame);
    else if (frame.type === "ack") this.settle(frame.id);
    else if (frame.type === "error") this.fail(frame);
    else if (frame.type !== "resync" && frame.type !== "bye") this.pass(frame, true);
  }

  catchUp(state) {
    this.token = state.token;
    if (this.keep.get("token")) this.keep.set("token", state.token);
    if (state.reset) {
      this.seen.clear();
      this.after = 0;
      this.tell("reset");
    }
    this.conversation = state.conversation;
    for (const event of state.events) this.pass(event, false);
    if (state.now) this.pass(state.now, false);
    this.pass(state.waiting, false);
    this.ready = this.greeted = true;
    this.failures = 0;
    this.tell("caughtup");
    this.tell("link", "up");
    for (const item of this.outbox) if (!item.reason) this.change(item, "queued");
    this.next();
  }

  pass(frame, live) {
    if (frame.seq) {
      const key = `${frame.conversation}:${frame.seq}`;
      if (this.seen.has(key)) return;
      this.seen.add(key);
      if (frame.conversation !== this.conversation) [this.conversation, this.after] = [frame.conversation, 0];
      this.after = Math.max(this.after, frame.seq);
      if (frame.id) this.settle(frame.id);
    }
    this.tell("frame", { frame, live });
  }

  // --- what goes out

  /** Keep a message and send it as soon as may be; the item changes as it goes. */
  send(text, { intent = "", fresh = false } = {}) {
    const item = { id: newId(), text, intent, fresh, at: Date.now(), state: "queued", tries: 0 };
    this.outbox.push(item);
    this.save();
    this.change(item, "queued");
    this.next();
    return item;
  }

  retry(item) {
    item.tries = 0;
    this.change(item, "queued");
    this.connect();
    this.next();
  }

  next() {
    if (!this.ready || this.flying || this.limited) return;
    const item = (this.flying = this.outbox.find((each) => each.state === "queued") ?? null);
    if (!item) return;
    this.change(item, "sending");
    this.put({ type: "send", id: item.id, text: item.text, intent: item.intent, fresh: item.fresh });
    this.unanswered = setTimeout(() => this.fail({ id: item.id, code: "silent", retry: 0 }), ACK_WITHIN);
  }

  settle(id) {
    const item = this.outbox.find((each) => each.id === id);
    if (!item) return;
    this.outbox = this.outbox.filter((each) => each !== item);
    this.save();
    this.change(item, "sent");
    this.land(item);
  }

  land(item) {
    if (this.flying !== item) return;
    clearTimeout(this.unanswered);
    this.flying = null;
    this.next();
  }

  fail({ id, code, text, retry }) {
    const item = this.outbox.find((each) => each.id === id);
    if (!item) return this.tell("refused", code);
    if (code === "rate") {
      this.limited = true;
      this.change(item, "queued");
      this.tell("limited", retry);
      setTimeout(() => this.resume(), retry * 1000);
    } else if (retry !== null && item.tries < RETRIES.length) {
      this.change(item, "waiting");
      setTimeout(() => item.state === "waiting" && (this.change(item, "queued"), this.next()), RETRIES[item.tries] * 1000);
      item.tries += 1;
    } else {
      item.reason = retry === null ? text : "";
      this.change(item, "failed");
    }
    this.land(item);
    if (code === "silent") this.socket?.close(); // a socket that swallows messages is as good as none
  }

  resume() {
    this.limited = false;
    this.next();
  }

  change(item, state) {
    item.state = state;
    this.tell("outbox", item);
  }

  /** From the first message on, this browser may be known again. */
  save() {
    this.keep.set("token", this.token);
    this.keep.set("outbox", this.outbox.map(({ id, text, intent, fresh, at }) => ({ id, text, intent, fresh, at })));
  }

  /** Forget the visitor: whoever comes next is somebody else. */
  forget() {
    this.stop();
    for (const key of ["token", "outbox", "draft"]) this.keep.set(key, null);
    [this.token, this.outbox, this.conversation, this.after, this.flying] = [null, [], null, 0, null];
    this.seen.clear();
    this.tell("reset");
    this.connect();
  }
}
