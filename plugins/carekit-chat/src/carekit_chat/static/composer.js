// The field to write in: grows, counts, keeps a draft, and never loses a word.

import { t } from "./i18n.js";

const LONGEST = 2000;
const COUNT_FROM = 1800;
const touch = matchMedia("(pointer: coarse)");

export class Composer {
  constructor({ form, field, button, counter }, keep, onSend, onType) {
    Object.assign(this, { form, field, button, counter, keep, onSend, onType });
    form.setAttribute("aria-label", t("write"));
    field.placeholder = t("write");
    field.setAttribute("aria-label", t("write"));
    button.setAttribute("aria-label", t("send"));
    button.title = t("send");
    field.addEventListener("input", () => this.changed());
    field.addEventListener("keydown", (event) => this.key(event));
    form.addEventListener("submit", (event) => (event.preventDefault(), this.submit()));
    this.text = keep.get("draft") ?? "";
  }

  get text() {
    return this.field.value;
  }

  set text(value) {
    this.field.value = value;
    this.measure();
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }

  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || touch.matches) return;
    event.preventDefault();
    this.submit();
  }

  submit() {
    const text = this.text.trim();
    if (!text || text.length > LONGEST) return;
    this.text = "";
    this.keep.set("draft", null);
    this.onSend(text);
    this.focus();
  }

  changed() {
    this.measure();
    if (this.text.trim()) this.onType();
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.keep.set("draft", this.text || null), 250);
  }

  measure() {
    const { field, counter, button } = this;
    const length = field.value.length;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    button.disabled = !field.value.trim() || length > LONGEST;
    counter.hidden = length < COUNT_FROM;
    counter.textContent = length > LONGEST ? t("long", { n: length - LONGEST }) : t("left_count", { n: LONGEST - length });
    counter.classList.toggle("bad", length > LONGEST);
  }
}
