// One result: its digits, and an explanation of the response headers.
import { digitsElement } from "./digits.js";
import { duration, element, number, plural } from "./dom.js";

const STAGES = { queue: "waiting for a computing process", compute: "computing", encode: "converting to decimal" };

const timing = (value) =>
  value
    .split(",")
    .map((part) => part.trim().split(";dur="))
    .map(([stage, milliseconds]) => `${number(Number(milliseconds))} ms ${STAGES[stage] ?? stage}`)
    .join(", ");

const cacheStatus = (value) =>
  value.includes("hit")
    ? "The service had the result in its cache."
    : "The service computed the result; its cache did not have it.";

// Explanations of headers by name, in the order of the page.
const EXPLANATIONS = {
  "Cache-Status": cacheStatus,
  "Server-Timing": (value) => `Time in the service: ${timing(value)}.`,
  ETag: () => "Names this representation. The page sends it as If-None-Match with the next equal request.",
  "Cache-Control": () => "Results never change: the caller may keep its copy, shared caches may not.",
  "Content-Encoding": () => "The digits were compressed in transit.",
  RateLimit: () => "Remaining requests (r) of the quota, and seconds until it is renewed (t).",
  "X-Request-ID": () => "Identifies the request in the history, in the log and in events.",
  traceparent: () => "Identifies the trace of the request (W3C Trace Context).",
};

const headersElement = (response) => {
  const list = element("dl");
  const status = response.status === 304 ? "304 Not Modified" : `${response.status} OK`;
  const meaning =
    response.status === 304
      ? "The page had the result: the service compared the ETag, computed nothing and sent no digits."
      : "The response contains the result.";
  const entries = [["Status", status, meaning]];
  for (const [name, explain] of Object.entries(EXPLANATIONS)) {
    const value = response.headers.get(name);
    if (value !== null) {
      entries.push([name, value, explain(value)]);
    }
  }
  for (const [name, value, explanation] of entries) {
    list.append(
      element("dt", {}, name),
      element("dd", {}, element("code", {}, value), element("small", {}, explanation)),
    );
  }
  return element("details", {}, element("summary", {}, "Response headers explained"), list);
};

/** `run` has name, parameters, response, text and seconds. */
export const resultElement = ({ name, parameters, response, text, seconds }) => {
  const shown = Object.entries(parameters).map(([parameter, value]) => `${parameter}=${value}`);
  const title = `${name}(${shown.join(", ")})`;
  const digits = text.length - (text.startsWith("-") ? 1 : 0);
  const heading = title.length > 120 ? `${title.slice(0, 120)}…)` : title;
  const summary = `${plural(digits, "digit")} in ${duration(seconds)}${response.status === 304 ? ", not modified" : ""}`;
  const article = element("article", { "aria-label": heading }, element("h3", {}, heading), element("p", {}, summary));
  article.append(digitsElement(text, heading), headersElement(response));
  return { article, sentence: `${heading}: ${summary}.` };
};
