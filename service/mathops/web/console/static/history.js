// The caller's own requests: filters, pages and live update.
import { abbreviated } from "./digits.js";
import { byId, element, number, plural } from "./dom.js";
import { address, current, poll, problemElement, queryOf, sleep } from "./service.js";

const PAGE = 10;
const MOST_ROWS = 50;
const LONGEST_PARAMETER = 24;
const INTERVAL = 2000;
// With a quota, because updates count against it too.
const LIMITED_INTERVAL = 10_000;
const NO_RETRY = new Set([401, 403, 422]);

let newer = null;
let older = null;
let onNewestPage = true;
// Responses to earlier filters are ignored.
let version = 0;
let failed = false;
let loading = false;
// Milliseconds since the epoch until which the service wants no request.
let resume = 0;
let interval = INTERVAL;
// Updates run one after another, because two with the same cursor would show a request twice.
let updates = Promise.resolve();

const form = byId("history-filters");
const rows = byId("records");

const cut = (text) => (text.length > LONGEST_PARAMETER ? `${text.slice(0, LONGEST_PARAMETER)}…` : text);

const row = (record) => {
  const time = new Date(record.timestamp);
  const today = time.toDateString() === new Date().toDateString();
  const shown = today ? time.toLocaleTimeString("en-GB") : time.toLocaleString("en-GB");
  const parameters = Object.entries(record.parameters).map(([name, value]) => `${name}=${cut(value)}`);
  let result = "";
  if (record.problem) {
    const known = record.status !== 499;
    result = known ? element("a", { href: address(`/problems/${record.problem}`) }, record.problem) : record.problem;
  } else if (record.result_digits !== null) {
    const size = ` (${plural(record.result_digits, "digit")})`;
    result =
      record.result === null ? size.trim() : abbreviated(record.result) + (record.result_digits > 24 ? size : "");
  }
  return element(
    "tr",
    { title: `request ${record.request_id}` },
    element("td", {}, element("time", { datetime: record.timestamp }, shown)),
    element("td", {}, element("code", {}, `${record.endpoint} ${parameters.join(" ")}`)),
    element("td", {}, result),
    element("td", { class: record.status < 400 ? "good" : "bad" }, String(record.status)),
    element("td", {}, record.cache ?? ""),
    element("td", { class: "number" }, number(record.duration_ms)),
  );
};

const filters = () => {
  const chosen = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
  if (chosen.since) {
    chosen.since = new Date(chosen.since).toISOString();
  }
  return new URLSearchParams({ ...chosen, limit: PAGE });
};

const say = (sentence) => {
  if (byId("history-status").textContent !== sentence) {
    byId("history-status").textContent = sentence;
  }
};

const fail = (problem) => {
  failed = NO_RETRY.has(problem.status);
  resume = Date.now() + problem.retryAfter * 1000;
  const shown = problemElement(problem);
  // A screen reader would read the same alert after every update.
  if (byId("history-error").querySelector("strong")?.textContent !== problem.document.title) {
    byId("history-error").replaceChildren(shown);
  }
};

const page = async (query) => {
  const response = await poll(`/history${query}`);
  interval = response.headers.has("RateLimit") ? LIMITED_INTERVAL : INTERVAL;
  return response.json();
};

const show = async (query, newest) => {
  version += 1;
  const mine = version;
  loading = true;
  try {
    const found = await page(query);
    if (mine !== version) {
      return;
    }
    rows.replaceChildren(...found.records.map(row));
    [older, newer, onNewestPage, failed] = [found.next, newest ? found.newer : newer, newest, false];
    byId("older").hidden = !older;
    byId("newest").hidden = newest;
    byId("history-error").replaceChildren();
    say(
      found.records.length ? `${plural(found.records.length, "request")} on this page.` : "No requests on this page.",
    );
  } catch (problem) {
    if (mine === version) {
      // The cursor of other filters.
      newer = newest ? null : newer;
      fail(problem);
    }
  } finally {
    loading = loading && mine !== version;
  }
};

/** The newest page for the current filters. */
export const refresh = () => (current() ? show(`?${filters()}`, true) : undefined);

const addNewer = async () => {
  const mine = version;
  if (!current() || !onNewestPage || loading || failed || Date.now() < resume) {
    return;
  }
  if (!newer) {
    await refresh();
    return;
  }
  const found = await page(queryOf(newer));
  if (mine !== version || !current()) {
    return;
  }
  newer = found.newer;
  byId("history-error").replaceChildren();
  if (found.records.length === PAGE || rows.children.length + found.records.length > MOST_ROWS) {
    // After a full page there are probably more; and removing the oldest rows would hide them from the next page.
    if (rows.contains(document.activeElement)) {
      // New rows would take the focus from its link.
      onNewestPage = false;
      byId("newest").hidden = false;
      say("There are new requests.");
    } else {
      await refresh();
    }
  } else if (found.records.length) {
    rows.prepend(...found.records.map(row));
    say(`${plural(found.records.length, "new request")}.`);
  }
};

/** Add the requests since the last update. */
export const update = () => {
  updates = updates.then(addNewer).catch((problem) => current() && fail(problem));
  return updates;
};

const follow = async () => {
  for (;;) {
    if (byId("live").checked && !document.hidden) {
      await update();
    }
    await sleep(interval);
  }
};

export const clear = () => {
  version += 1;
  [newer, older, onNewestPage, failed, loading, resume] = [null, null, true, false, false, 0];
  rows.replaceChildren();
  byId("history-error").replaceChildren();
};

export const showHistory = (operations, { components }) => {
  const types = components.schemas.Problem.properties.type.examples.map((type) => type.split("/").at(-1));
  byId("filter-outcome").append(...types.map((type) => element("option", {}, type)));
  byId("filter-operation").append(...operations.map(({ name }) => element("option", {}, name)));
  form.addEventListener("change", (event) => {
    if (event.target.name) {
      refresh();
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("older").addEventListener("click", () => show(queryOf(older), false));
  byId("newest").addEventListener("click", refresh);
  follow();
};
