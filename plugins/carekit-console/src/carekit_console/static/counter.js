// What a text takes where it goes, by what the channel declares: `rule` has the fields of carekit.Segments. No channel
// is known here. A text of the alphabet alone is counted in characters, any other in UTF-16 units, as JavaScript does.
export function measure(text, rule) {
  const strange = [...text].find((one) => !rule.alphabet.includes(one) && !rule.doubled.includes(one));
  const doubled = strange === undefined ? [...text].filter((one) => rule.doubled.includes(one)).length : 0;
  const places = text.length + doubled;
  const [single, several] = strange === undefined ? [rule.single, rule.several] : [rule.wide_single, rule.wide_several];
  const parts = places <= single ? 1 : Math.ceil(places / several);
  return { parts, left: (parts === 1 ? single : parts * several) - places, strange, single };
}

// `price` of one part times `parts`, written as it is: the amount is its first number, and keeps its decimals.
export function cost(price, parts) {
  return price.replace(/(\d+)(?:([.,])(\d+))?/, (_, whole, point = "", decimals = "") => {
    const digits = String(BigInt(whole + decimals) * BigInt(parts)).padStart(decimals.length + 1, "0");
    const cut = digits.length - decimals.length;
    return digits.slice(0, cut) + point + digits.slice(cut);
  });
}

// Characters as the desk counts them: whole ones, not the halves of which JavaScript makes some.
const lengthOf = (text) => [...text].length;

// What to show beside *text*, empty for nothing, and whether it is more than the channel takes.
export function counted(text, max, rule) {
  if (rule) return inParts(text, max, rule);
  const length = max && text.length >= max * 0.8 ? lengthOf(text) : 0;
  return { text: length >= max * 0.8 && max ? `${length} of ${max}` : "", over: Boolean(max) && length > max };
}

// A character as people can see it: spaces and marks that show nothing by their number.
function named(character) {
  if (!/[\p{C}\p{M}\p{Z}]/u.test(character)) return `“${character}”`;
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function tooMuch(text, max, parts, rule) {
  return rule.most && parts > rule.most ? `${parts} parts, ${rule.most} at most` : `${lengthOf(text)} of ${max}`;
}

function inParts(text, max, rule) {
  const { parts, left, strange, single } = measure(text, rule);
  const over = Boolean((rule.most && parts > rule.most) || (max && lengthOf(text) > max));
  const words = [over ? tooMuch(text, max, parts, rule) : `${left} left`];
  if (!over || !(parts > rule.most)) words.push(parts === 1 ? "1 part" : `${parts} parts`);
  if (rule.price && text) words.push(cost(rule.price, parts));
  if (strange !== undefined) words.push(`${named(strange)} makes it ${single} a part`);
  return { text: words.map((one) => one.replaceAll(" ", "\u00a0")).join(" · "), over }; // lines break between them
}
