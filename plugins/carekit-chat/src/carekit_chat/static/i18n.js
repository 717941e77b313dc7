// Every text of the panel, one catalogue per language, and the forms that depend on the language.

const en = {
  title: "Chat with us",
  greeting: "Hello. How can we help?",
  hint: "Write below; you do not have to leave any details.",
  close: "Close chat",
  log: "Messages",
  write: "Write a message",
  send: "Send",
  you: "You",
  assistant: "Assistant",
  team: "Team",
  sources: "Sources",
  person: "Talk to a person",
  typing: "The assistant is writing",
  writes: "{name} is writing",
  newer: "New messages",
  sending: "Sending",
  sent: "Sent {time}",
  queued: "Waiting for the connection",
  failed: "Not sent.",
  retry: "Retry",
  reconnecting: "Reconnecting…",
  joined: "{name} has joined",
  left: "{name} has left",
  someone: "Someone from the team",
  handoff: "A person will take over",
  resolved: "This conversation was marked as resolved.",
  closed: "This conversation was closed.",
  reopened: "This conversation was reopened",
  resume: "Write again to go on, or start a new one.",
  fresh: "Start a new one",
  place: "You are {place}.",
  next: "You are next.",
  soon: "Usually under a minute.",
  usually: "Usually {low}–{high} minutes.",
  about: "Usually about {high} minutes.",
  patience: "We will answer here as soon as we can.",
  online: "We are online",
  offline: "We are not online now. Write, and we will answer here.",
  back: "We are back {day} at {time} (your time). Write now, and we will answer here.",
  on: "on {day}",
  today: "today",
  tomorrow: "tomorrow",
  with: "You are talking to {name}",
  bad_email: "“{email}” is not an e-mail address, so we cannot write to you there.",
  limited: "Too many messages. You can send again in {n} s.",
  long: "{n} characters too many. Shorten it, or send it in two parts.",
  left_count: "{n} left",
  refused: "This could not be sent: {text}",
  fatal: "Chat is not available just now.",
  fatal_help: "Write to {help}.",
  fatal_retry: "We keep trying; what you write stays here.",
  rate: "How was it?",
  rate_scores: ["Very bad", "Bad", "Okay", "Good", "Very good"],
  rate_comment: "What could be better? (optional)",
  rate_send: "Send rating",
  rate_thanks: "Thank you for your rating.",
  ordinals: { one: "{n}st", two: "{n}nd", few: "{n}rd", other: "{n}th" },
};

const es = {
  title: "Chatea con nosotros",
  greeting: "Hola. ¿En qué podemos ayudarte?",
  hint: "Escribe abajo; no hace falta dejar ningún dato.",
  close: "Cerrar el chat",
  log: "Mensajes",
  write: "Escribe un mensaje",
  send: "Enviar",
  you: "Tú",
  assistant: "Asistente",
  team: "Equipo",
  sources: "Fuentes",
  person: "Hablar con una persona",
  typing: "El asistente está escribiendo",
  writes: "{name} está escribiendo",
  newer: "Mensajes nuevos",
  sending: "Enviando",
  sent: "Enviado {time}",
  queued: "Esperando la conexión",
  failed: "No enviado.",
  retry: "Reintentar",
  reconnecting: "Reconectando…",
  joined: "{name} se ha unido",
  left: "{name} ha salido",
  someone: "Alguien del equipo",
  handoff: "Te atenderá una persona",
  resolved: "Esta conversación se marcó como resuelta.",
  closed: "Esta conversación se cerró.",
  reopened: "Esta conversación se reabrió",
  resume: "Escribe de nuevo para seguir, o empieza otra.",
  fresh: "Empezar otra",
  place: "Tu turno: {place}.",
  next: "Eres el siguiente turno.",
  soon: "Normalmente menos de un minuto.",
  usually: "Normalmente {low}–{high} minutos.",
  about: "Normalmente unos {high} minutos.",
  patience: "Responderemos aquí en cuanto podamos.",
  online: "Estamos en línea",
  offline: "Ahora no estamos en línea. Escribe y responderemos aquí.",
  back: "Volvemos {day} a las {time} (tu hora). Escribe ahora y responderemos aquí.",
  on: "el {day}",
  today: "hoy",
  tomorrow: "mañana",
  with: "Hablas con {name}",
  bad_email: "«{email}» no es una dirección de correo, así que no podremos escribirte ahí.",
  limited: "Demasiados mensajes. Puedes volver a enviar en {n} s.",
  long: "Sobran {n} caracteres. Acórtalo o envíalo en dos partes.",
  left_count: "Quedan {n}",
  refused: "No se pudo enviar: {text}",
  fatal: "El chat no está disponible ahora mismo.",
  fatal_help: "Escribe a {help}.",
  fatal_retry: "Seguimos intentándolo; lo que escribas se queda aquí.",
  rate: "¿Qué tal fue?",
  rate_scores: ["Muy mal", "Mal", "Regular", "Bien", "Muy bien"],
  rate_comment: "¿Qué podría mejorar? (opcional)",
  rate_send: "Enviar valoración",
  rate_thanks: "Gracias por tu valoración.",
  ordinals: { other: "{n}.º" },
};

const CATALOGUES = { en, es };
const RTL = new Set(["ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"]);

let language = "en";
let locale = "en";

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

/** Choose the first of *wanted* (tags such as "es-MX") that has a catalogue; dates follow the full tag. */
export function choose(wanted) {
  const tag = wanted.find((each) => each && CATALOGUES[each.toLowerCase().split("-")[0]]) ?? "en";
  language = tag.toLowerCase().split("-")[0];
  try {
    locale = Intl.getCanonicalLocales(tag)[0];
  } catch {
    locale = language;
  }
  return { language, direction: RTL.has(language) ? "rtl" : "ltr" };
}

/** The text *key* with its {values}. */
export function t(key, values = {}) {
  const text = CATALOGUES[language][key] ?? en[key];
  return typeof text === "string" ? fill(text, values) : text;
}

/** 3 as "3rd". */
export function ordinal(n) {
  const forms = t("ordinals");
  const rule = new Intl.PluralRules(locale, { type: "ordinal" }).select(n);
  return fill(forms[rule] ?? forms.other, { n });
}

/** An instant as a time of day where the visitor is. */
export const time = (date) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }).format(date);

/** How many midnights, where the visitor is, lie between now and *date*. */
function days(date) {
  const start = (each) => new Date(each.getFullYear(), each.getMonth(), each.getDate());
  return Math.round((start(date) - start(new Date())) / 86400000);
}

/** The day of an instant in words: today, tomorrow, a weekday within a week, else the date. */
export function day(date) {
  const away = days(date);
  if (away === 0 || away === 1) return t(away ? "tomorrow" : "today");
  const options = Math.abs(away) < 7 ? { weekday: "long" } : { day: "numeric", month: "long" };
  return new Intl.DateTimeFormat(locale, options).format(date);
}

/** What to say of the wait; *queued* tells whether this visitor stands in the queue. */
export function wait(info, queued) {
  if (!info.open) {
    if (!info.opens_at) return t("offline");
    const at = new Date(info.opens_at);
    const when = days(at) < 2 ? day(at) : t("on", { day: day(at) });
    return t("back", { day: when, time: time(at) });
  }
  if (!queued) return "";
  const place = info.ahead > 0 ? t("place", { place: ordinal(info.ahead + 1) }) : t("next");
  return `${place} ${span(info)}`;
}

function span({ low, high }) {
  if (high === null) return t("patience");
  const [from, to] = [Math.max(1, Math.round((low ?? 0) / 60)), Math.ceil(high / 60)];
  if (to <= 1) return t("soon");
  return t(from < to ? "usually" : "about", { low: from, high: to });
}
