// Results, which may have millions of digits, of which the page shows a few.
import { element, plural } from "./dom.js";

const HEAD = 600;
const TAIL = 120;
const LONGEST = 30_000;
const GROUP = 3;

/** Groups of three digits, counted from the end of a number that has `after` more digits. */
const grouped = (digits, after = 0) => {
  const first = (digits.length + after) % GROUP;
  const groups = first ? [digits.slice(0, first)] : [];
  for (let at = first; at < digits.length; at += GROUP) {
    groups.push(digits.slice(at, at + GROUP));
  }
  return groups.join(" ");
};

const withSign = (text) => (text.startsWith("-") ? ["−", text.slice(1)] : ["", text]);

/** The first digits of a long number, for one line. */
export const abbreviated = (text, most = 24) => {
  const [sign, digits] = withSign(text);
  return digits.length > most ? `${sign}${digits.slice(0, most)}…` : `${sign}${grouped(digits)}`;
};

/** Contents of an element: all digits, or the first ones and the last ones. */
const pieces = (text, most) => {
  const [sign, digits] = withSign(text);
  if (digits.length <= most + TAIL) {
    return [sign + grouped(digits)];
  }
  const shown = most + ((digits.length - most) % GROUP);
  const after = digits.length - shown;
  const hidden = element("span", { class: "gap" }, `… ${plural(after - TAIL, "digit")} not shown …`);
  return [sign + grouped(digits.slice(0, shown), after), hidden, grouped(digits.slice(-TAIL))];
};

export const copy = async (text) => {
  // Only secure contexts have a clipboard object; a service on a local network is often plain HTTP.
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return true;
  }
  const area = element("textarea", { readonly: true, class: "visually-hidden" });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
};

export const download = (text, name) => {
  const url = URL.createObjectURL(new Blob([text, "\n"], { type: "text/plain" }));
  element("a", { href: url, download: name }).click();
  setTimeout(URL.revokeObjectURL, 60_000, url);
};

/** The digits with buttons to copy, download, expand and collapse them. */
export const digitsElement = (text, name) => {
  const box = element("div", { class: "digits", tabindex: "0", role: "group", "aria-label": `Digits of ${name}` });
  const status = element("span", { role: "status" });
  const copyAll = async () => {
    try {
      const copied = await copy(text);
      status.textContent = copied ? "Copied." : "The browser does not permit copying. Use Download.";
    } catch {
      status.textContent = "The browser does not permit copying. Use Download.";
    }
  };
  const file = `${name
    .replace(/[^\w-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 80)}.txt`;
  const buttons = [
    element("button", { type: "button", onclick: copyAll }, "Copy"),
    element("button", { type: "button", onclick: () => download(text, file) }, "Download"),
  ];
  const length = withSign(text)[1].length;
  box.append(...pieces(text, HEAD));
  if (length > HEAD + TAIL) {
    const more = length > LONGEST ? `Show ${plural(LONGEST, "digit")}` : "Show all digits";
    const toggle = element("button", { type: "button", "aria-expanded": "false" }, more);
    toggle.addEventListener("click", () => {
      const expand = toggle.getAttribute("aria-expanded") === "false";
      toggle.setAttribute("aria-expanded", String(expand));
      toggle.textContent = expand ? "Collapse" : more;
      box.replaceChildren(...pieces(text, expand ? LONGEST : HEAD));
    });
    buttons.push(toggle);
  }
  return element("div", {}, box, element("div", { class: "buttons" }, ...buttons, status));
};
