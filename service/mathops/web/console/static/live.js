// A live view of the service, from /metrics and /readyz.
import { byId, duration, element, number, plural } from "./dom.js";
import { NAMES, increases, ofCallers, parse, quantile, sum, total } from "./metrics.js";
import { current, events, poll, sleep } from "./service.js";

const INTERVAL = 2000;
const MOST_POINTS = 30;
const DENIED = new Set([401, 403]);
const SVG = "http://www.w3.org/2000/svg";

const share = (part, whole) => (whole ? (100 * part) / whole : undefined);
const percent = (value) => (value === undefined ? "–" : `${number(value)} %`);
const perSecond = (value) => `${number(value)}/s`;
const time = (value) => (value === undefined ? "–" : duration(value));

// Each tile has a title, and from an interval its value, the text of the value and a detail.
const TILES = [
  ["Requests", ({ rate }) => rate(NAMES.requests, ofCallers), perSecond, () => "without probes and metrics"],
  ["Latency", ({ p95 }) => p95(NAMES.latency, ofCallers), time, () => "95 % of the responses were faster"],
  [
    "Server errors",
    ({ count }) =>
      share(
        count(NAMES.requests, (labels) => ofCallers(labels) && labels.status >= "500"),
        count(NAMES.requests, ofCallers),
      ),
    percent,
    () => "responses with status 5xx",
  ],
  [
    "Cache hits",
    ({ count }) => share(count(NAMES.hits), count(NAMES.hits) + count(NAMES.misses)),
    percent,
    ({ gauge }) => `${percent(share(gauge(NAMES.hits), gauge(NAMES.hits) + gauge(NAMES.misses)))} since the start`,
  ],
  [
    "Computing processes",
    ({ gauge }) => gauge(NAMES.busy),
    (value, { gauge }) => `${number(value)} of ${number(gauge(NAMES.workers))} busy`,
    ({ gauge }) => `${plural(gauge(NAMES.queued), "computation")} waiting`,
  ],
  [
    "Journal",
    ({ rate }) => rate(NAMES.rows),
    (value) => `${number(value)} rows/s`,
    ({ gauge, p95 }) => `commit ${time(p95(NAMES.commit))}, ${plural(gauge(NAMES.waiting), "row")} waiting`,
  ],
  [
    "Outbox",
    ({ gauge, publishing }) => (publishing ? gauge(NAMES.pending) : undefined),
    (value) => (value === undefined ? "off" : plural(value, "row")),
    ({ gauge, publishing }) => (publishing ? `oldest ${number(gauge(NAMES.age))} s` : "no Kafka: nothing is published"),
  ],
];

class Tile {
  constructor([title, measure, format, detail]) {
    Object.assign(this, { title, measure, format, detail, points: [] });
    this.value = element("p", { class: "value" }, "…");
    this.about = element("p", { class: "detail" });
    this.svg = document.createElementNS(SVG, "svg");
    this.line = document.createElementNS(SVG, "polyline");
    this.svg.append(this.line);
    for (const [name, value] of Object.entries({ class: "spark", role: "img", preserveAspectRatio: "none" })) {
      this.svg.setAttribute(name, value);
    }
    this.svg.setAttribute("viewBox", `0 -2 ${MOST_POINTS - 1} 104`);
    this.svg.setAttribute("aria-label", `${title}: no values yet`);
    this.element = element("div", { class: "card" }, element("h3", {}, title), this.value, this.about, this.svg);
  }

  show(interval) {
    const value = this.measure(interval);
    this.value.textContent = this.format(value, interval);
    this.about.textContent = this.detail(interval);
    this.points.push(value ?? 0);
    this.points.splice(0, this.points.length - MOST_POINTS);
    const highest = Math.max(...this.points) || 1;
    const start = MOST_POINTS - this.points.length;
    const points = this.points.map((point, at) => `${start + at},${100 - (100 * point) / highest}`);
    this.line.setAttribute("points", points.join(" "));
    const range = [Math.min(...this.points), Math.max(...this.points)].map((each) => this.format(each, interval));
    const seconds = (this.points.length * INTERVAL) / 1000;
    this.svg.setAttribute("aria-label", `${this.title} in the last ${seconds} s: ${range[0]} to ${range[1]}`);
  }
}

const intervalOf = (before, now, seconds, publishing) => ({
  publishing,
  count: (name, chosen) => total(increases(before, now, name, chosen)),
  rate: (name, chosen) => total(increases(before, now, name, chosen)) / seconds,
  p95: (name, chosen) => quantile(increases(before, now, name, chosen), 0.95),
  gauge: (name) => sum(now[name]),
});

const showReadiness = async () => {
  let checks;
  try {
    const response = await poll("/readyz");
    checks = (await response.json()).checks;
  } catch (problem) {
    // A service that is not ready sends this document too, with status 503.
    checks = problem.document?.checks ?? { service: "no response" };
  }
  const items = Object.entries(checks).map(([name, status]) =>
    element("li", {}, `${name}: `, element("span", { class: status === "ok" ? "good" : "bad" }, status)),
  );
  const list = byId("dependencies");
  if (list.textContent !== items.map(({ textContent }) => textContent).join("")) {
    list.replaceChildren(...items);
  }
  return checks;
};

const refusal = () =>
  current()
    ? `These figures need a token with the scope metrics; the token of this session has: ${current().scope}.`
    : "These figures need a token with the scope metrics. Sign in as a user who has it.";

export const showLive = async () => {
  const tiles = TILES.map((tile) => new Tile(tile));
  const notice = byId("service-notice");
  let before;
  let denied = false;
  byId("tiles").replaceChildren(...tiles.map(({ element: shown }) => shown));
  events.addEventListener("session", () => {
    denied = false;
  });
  const measure = async (checks) => {
    const text = await (await poll("/metrics", { headers: { Accept: "text/plain" } })).text();
    const now = { time: performance.now(), series: parse(text) };
    notice.textContent = "";
    byId("tiles").hidden = false;
    if (before) {
      const interval = intervalOf(before.series, now.series, (now.time - before.time) / 1000, "kafka" in checks);
      tiles.forEach((tile) => tile.show(interval));
    }
    before = now;
  };
  for (;;) {
    if (!document.hidden) {
      const checks = await showReadiness();
      try {
        // A repeated refusal would count against the quota of rejected tokens.
        await (denied || measure(checks));
      } catch (problem) {
        denied = DENIED.has(problem.status);
        notice.textContent = denied ? refusal() : problem.message;
        byId("tiles").hidden = denied;
      }
    }
    await sleep(INTERVAL);
  }
};
