// Draws the launcher; loads nothing else, and keeps nothing, until somebody opens it.
(() => {
  "use strict";
  const given = { accent: "#0A6B62", ink: "#FFFFFF", help: "" };
  const script = document.currentScript;
  if (!script || document.querySelector(`[data-carekit="${CSS.escape(script.src)}"]`)) return;
  const base = new URL(".", script.src);
  const { lang, side, label, hidden, persist, theme } = script.dataset;
  const MEMO = `carekit:${base.href}`;
  const WORDS = {
    en: ["Open chat", "Close chat", "unread", "Chat is not available just now.", "Write to us"],
    es: ["Abrir el chat", "Cerrar el chat", "sin leer", "El chat no está disponible ahora mismo.", "Escríbenos"],
  };
  const tongue = [lang, document.documentElement.lang, ...navigator.languages].map((each) => (each || "").slice(0, 2).toLowerCase());
  const words = WORDS[tongue.find((each) => WORDS[each])] || WORDS.en;
  const listeners = {};
  let frame, port, ready = false, isOpen = false, unread = 0, waiting = [];

  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { position: fixed !important; inset: auto !important; inset-block-end: 0 !important; inset-inline-end: 0 !important;
      inline-size: 0 !important; block-size: 0 !important; margin: 0 !important; padding: 0 !important; border: 0 !important;
      opacity: 1 !important; transform: none !important; filter: none !important; clip-path: none !important; overflow: visible !important;
      z-index: 2147483000 !important; pointer-events: auto !important; visibility: visible !important; }
    [hidden] { display: none !important; }
    button { position: fixed; inset-block-end: calc(20px + env(safe-area-inset-bottom)); inset-inline-end: calc(20px + env(safe-area-inset-right));
      box-sizing: border-box; inline-size: 56px; block-size: 56px; margin: 0; padding: 0; display: grid; place-items: center; border: 1px solid transparent;
      border-radius: 50%; background: ${given.accent}; color: ${given.ink}; cursor: pointer; box-shadow: 0 2px 8px rgb(0 0 0 / .24); }
    button:focus-visible { outline: 2px solid #1B5CCB; outline-offset: 2px; box-shadow: 0 0 0 2px #fff, 0 0 0 6px #fff; }
    svg { inline-size: 24px; block-size: 24px; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
    .badge { position: absolute; inset-block-start: -4px; inset-inline-end: -4px; box-sizing: border-box; min-inline-size: 20px; block-size: 20px; padding-inline: 4px;
      border-radius: 999px; background: #B3261E; color: #fff; font: 650 12px/20px system-ui, sans-serif; text-align: center; }
    iframe, .card { position: fixed; inset-block-end: calc(92px + env(safe-area-inset-bottom)); inset-inline-end: 20px; border: 0; border-radius: 16px;
      box-shadow: 0 8px 32px rgb(0 0 0 / .24), 0 0 0 1px rgb(0 0 0 / .08); background: Canvas; color-scheme: light dark; }
    iframe { inline-size: 384px; block-size: min(640px, 100dvh - 112px); max-inline-size: calc(100vw - 40px); }
    .card { box-sizing: border-box; inline-size: 300px; margin: 0; padding: 16px; color: CanvasText; font: 15px/22px system-ui, sans-serif; }
    .card a { color: inherit; }
    .start button, .start iframe, .start .card { inset-inline: 20px auto; }
    @media (max-width: 480px), (max-height: 480px) {
      iframe, .start iframe { inset: 0; inline-size: 100vw; max-inline-size: none; block-size: 100dvh; border-radius: 0; }
      .open button { display: none; } }
    @media (prefers-reduced-motion: no-preference) {
      iframe { animation: rise 140ms ease-out; } @keyframes rise { from { opacity: 0; transform: translateY(8px); } } }
    @media (forced-colors: active) { button, iframe, .card { border: 1px solid CanvasText; } }`);

  const make = (tag, set) => Object.assign(document.createElement(tag), set);
  const host = make("div", {});
  host.dataset.carekit = script.src;
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [style];
  const shell = make("div", { className: side === "start" ? "start" : "" });
  const button = make("button", { type: "button", hidden: hidden !== undefined });
  const badge = make("span", { className: "badge", hidden: true });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  button.append(svg, badge);
  shell.append(button);
  root.append(shell);

  const memo = (value) => {
    try {
      return value === undefined ? sessionStorage.getItem(MEMO) : sessionStorage.setItem(MEMO, value);
    } catch {
      return null; // a sandboxed page has no storage; the chat then starts closed
    }
  };
  const emit = (name, detail) => (listeners[name] || []).forEach((listener) => listener(detail));
  const post = (message) => (ready ? port.postMessage(message) : waiting.push(message));

  function draw() {
    const name = isOpen ? words[1] : label || words[0];
    button.setAttribute("aria-label", unread && !isOpen ? `${name}, ${unread} ${words[2]}` : name);
    button.setAttribute("aria-expanded", String(isOpen));
    path.setAttribute("d", isOpen ? "M6 9.5l6 6 6-6" : "M20.5 11.5a8 8 0 0 1-8.3 7.6 9 9 0 0 1-3.3-.6L4 20l1.4-3.9A7.3 7.3 0 0 1 3.9 11.5a8 8 0 0 1 8.3-7.6 8 8 0 0 1 8.3 7.6z");
    badge.hidden = isOpen || !unread;
    badge.textContent = unread > 9 ? "9+" : String(unread);
    shell.classList.toggle("open", isOpen);
    if (frame) frame.hidden = !isOpen;
  }

  function load() {
    if (frame) return;
    frame = make("iframe", { src: new URL("panel.html", base).href, title: label || "Chat" });
    const timer = setTimeout(fail, 10000);
    frame.addEventListener("load", () => {
      const channel = new MessageChannel();
      port = channel.port1;
      port.onmessage = ({ data }) => {
        if (data.type === "ready") clearTimeout(timer);
        hear(data);
      };
      frame.contentWindow.postMessage({ carekit: 1, options: { persist, lang, theme } }, base.origin, [channel.port2]);
    });
    shell.prepend(frame);
    fit();
  }

  function hear(data) {
    if (data.type === "ready") {
      ready = true;
      waiting.splice(0).forEach(post);
      emit("ready");
    } else if (data.type === "close") close(true);
    else if (data.type === "active") memo(isOpen ? "open" : "active");
    else if (data.type === "event") emit(data.name, data.detail);
    else if (data.type === "unread") {
      unread = data.count;
      emit("unread", unread);
      draw();
    }
  }

  /** The frame stayed dark: say so, and where else to turn. */
  function fail() {
    frame.remove();
    frame = undefined;
    const card = make("p", { className: "card" });
    card.setAttribute("role", "alert");
    card.append(`${words[3]} `);
    if (given.help) card.append(make("a", { href: given.help.includes("@") ? `mailto:${given.help}` : given.help, textContent: `${words[4]}: ${given.help}` }));
    root.querySelector(".card")?.remove();
    shell.prepend(card);
    isOpen = false;
    draw();
    emit("error", "not available");
  }

  function open(focus) {
    root.querySelector(".card")?.remove();
    load();
    isOpen = true;
    memo("open");
    draw();
    if (focus) frame.focus();
    post({ type: "open", focus });
    emit("open");
  }

  function close(refocus) {
    if (!isOpen) return;
    const inside = document.activeElement === host;
    isOpen = false;
    memo("active");
    draw();
    post({ type: "closed" });
    if (refocus || inside) button.focus({ preventScroll: true });
    emit("close");
  }

  /** On a small screen the panel fills what the keyboard leaves. */
  function fit() {
    const view = window.visualViewport;
    if (!frame || !view) return;
    const full = matchMedia("(max-width: 480px), (max-height: 480px)").matches && view.height < innerHeight - 60;
    frame.style.blockSize = full ? `${view.height}px` : "";
    frame.style.insetBlockStart = full ? `${view.offsetTop}px` : "";
  }

  const commands = {
    open: () => open(true),
    close: () => close(false),
    toggle: () => (isOpen ? close(true) : open(true)),
    show: () => (button.hidden = false),
    hide: () => (close(false), (button.hidden = true)),
    prefill: (text) => post({ type: "prefill", text }),
    identify: (who) => post({ type: "identify", ...who }),
    reset: () => post({ type: "reset" }),
    shutdown: () => (host.remove(), (frame = undefined), (ready = false), memo("")),
    on: (name, listener) => (listeners[name] ||= []).push(listener),
  };
  const queued = (window.carekit && window.carekit.q) || [];
  window.carekit = (name, ...rest) => {
    if (!Object.hasOwn(commands, name)) throw new TypeError(`carekit has no command "${name}"; it has ${Object.keys(commands).join(", ")}`);
    commands[name](...rest);
  };

  button.addEventListener("click", () => commands.toggle());
  root.addEventListener("keydown", (event) => event.key === "Escape" && close(true));
  window.visualViewport?.addEventListener("resize", fit);
  draw();
  const start = () => {
    document.body.append(host);
    const before = memo();
    if (before === "open") open(false);
    else if (before === "active") load();
    for (const call of queued) window.carekit(...call);
  };
  if (document.body) start();
  else addEventListener("DOMContentLoaded", start);
})();
