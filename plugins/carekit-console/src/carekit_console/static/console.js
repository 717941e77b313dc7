// Starts what the page needs. Without this file every page still works, by links and forms.
import { $, h, page, tick, whenSessionEnds } from "./dom.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as nav from "./nav.js";

whenSessionEnds(() => {
  if ($("#session-ended")) return;
  const next = encodeURIComponent(location.pathname + location.search);
  const dialog = h("dialog", { id: "session-ended", "aria-labelledby": "session-title" },
    h("div", { class: "sheet" }, h("h2", { id: "session-title" }, "Your session has ended"),
      h("p", {}, "Log in again to go on. What you were writing is kept in this browser."),
      h("p", {}, h("a", { class: "button button-primary", href: `${page.base}/login?next=${next}` }, "Log in"))));
  document.body.append(dialog);
  dialog.showModal();
});

nav.start();
nav.shown();
keys.start();
live.start();
tick();
setInterval(tick, 60_000);
