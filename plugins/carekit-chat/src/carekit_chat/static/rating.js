// The end of a conversation: what became of it, how it was, and a new one.

import { h } from "./dom.js";
import { t } from "./i18n.js";

export class Rating {
  constructor(node, { onAnswer, onFresh, onGrown }) {
    Object.assign(this, { node, onAnswer, onFresh, onGrown });
    this.reset();
  }

  reset() {
    this.survey = null;
    this.score = null;
    this.drawn = "";
    this.node.replaceChildren();
  }

  /** An offered survey, or its answer. */
  take(frame) {
    if (frame.score !== undefined) this.score = frame.score;
    else [this.survey, this.score] = [frame, null];
  }

  /** *status* is resolved, closed or empty; *fresh* when the visitor has turned to a new conversation. */
  draw(status, fresh) {
    const survey = this.survey && !fresh ? (this.score === null ? "ask" : "thank") : "";
    const wanted = `${status}|${survey}|${this.survey?.survey}`;
    this.node.hidden = fresh || (!status && !survey);
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    this.node.replaceChildren(
      ...(survey === "ask" ? [this.form()] : []),
      ...(survey === "thank" ? [h("p", { class: "thanks", role: "status" }, t("rate_thanks"))] : []),
      ...(status ? this.onward(status) : []),
    );
  }

  onward(status) {
    const button = h("button", { type: "button", class: "chip", on: { click: this.onFresh } }, t("fresh"));
    return [status === "resolved" ? h("p", { class: "hint" }, t("resume")) : null, button].filter(Boolean);
  }

  form() {
    const words = t("rate_scores");
    const { best, question } = this.survey;
    const labelled = best === words.length;
    const options = Array.from({ length: best }, (_, index) =>
      h(
        "label",
        { class: "score" },
        h("input", { type: "radio", name: "score", value: String(index + 1), required: true, class: "hush" }),
        h("span", { class: "score-number", "aria-hidden": labelled ? "true" : null }, String(index + 1)),
        labelled ? h("span", { class: "score-word" }, words[index]) : null,
      ),
    );
    const comment = h("textarea", { id: "comment", rows: "2", maxlength: "2000", name: "comment" });
    const more = h(
      "div",
      { class: "more-fields", hidden: true },
      h("label", { for: "comment" }, t("rate_comment")),
      comment,
      h("button", { type: "submit", class: "primary" }, t("rate_send")),
    );
    const form = h(
      "form",
      { class: "rating" },
      h("fieldset", { class: labelled ? "scores" : "scores many" }, h("legend", {}, question || t("rate")), ...options),
      more,
    );
    form.addEventListener("change", () => ((more.hidden = false), this.onGrown()));
    form.addEventListener("submit", (event) => this.submit(event, form));
    return form;
  }

  submit(event, form) {
    event.preventDefault();
    const given = new FormData(form);
    const score = Number(given.get("score"));
    const sent = this.onAnswer({ type: "survey", survey: this.survey.survey, score, comment: String(given.get("comment")) });
    if (!sent) return; // not connected: the form stays as it is, to be sent again
    this.score = score;
    this.drawn = "";
    this.node.replaceChildren(h("p", { class: "thanks", role: "status" }, t("rate_thanks")));
  }
}
