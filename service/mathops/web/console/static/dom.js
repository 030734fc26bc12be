// Elements of the page. Data of the service is always text, never markup.

/** An element with attributes and children; `on…` attributes are event handlers. */
export const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      made.addEventListener(name.slice(2), value);
    } else if (value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children);
  return made;
};

export const byId = (id) => document.getElementById(id);

const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const number = (value) => numbers.format(value);

/** Seconds in the unit that suits them. */
export const duration = (seconds) => {
  if (seconds < 0.001) {
    return "less than 1 ms";
  }
  return seconds < 1 ? `${number(seconds * 1000)} ms` : `${number(seconds)} s`;
};

export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
