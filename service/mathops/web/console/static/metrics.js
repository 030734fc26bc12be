// Metrics in the Prometheus text format: series, rates and quantiles between two responses.

/** Names of the series on the page, each as /metrics has it. */
export const NAMES = {
  requests: "http_requests_total",
  latency: "http_request_duration_seconds_bucket",
  hits: "mathops_cache_hits_total",
  misses: "mathops_cache_misses_total",
  workers: "mathops_pool_workers",
  busy: "mathops_pool_busy_workers",
  queued: "mathops_pool_queued_computations",
  rows: "mathops_journal_rows_total",
  commit: "mathops_journal_commit_duration_seconds_bucket",
  waiting: "mathops_journal_in_flight_rows",
  pending: "mathops_outbox_pending_rows",
  age: "mathops_outbox_oldest_age_seconds",
};
const WANTED = new Set(Object.values(NAMES));
// Requests of monitoring, this page included.
const MONITORING = new Set(["/metrics", "/readyz", "/livez", "/startupz"]);
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Series by name; each has its labels and its value. */
export const parse = (text) => {
  const found = {};
  for (const line of text.split("\n")) {
    const [, name, labels, value] = LINE.exec(line) ?? [];
    if (WANTED.has(name)) {
      const named = Object.fromEntries([...(labels ?? "").matchAll(LABEL)].map(([, key, text_]) => [key, text_]));
      (found[name] ??= new Map()).set(labels ?? "", { labels: named, value: Number(value) });
    }
  }
  return found;
};

export const sum = (series) => [...(series?.values() ?? [])].reduce((total, { value }) => total + value, 0);

/** The increases of the series of `name` that `chosen` accepts. */
export const increases = (before, now, name, chosen = () => true) => {
  const found = [];
  for (const [key, { labels, value }] of now[name] ?? []) {
    if (chosen(labels)) {
      const earlier = before[name]?.get(key)?.value ?? 0;
      // A counter starts from 0 again when the service restarts.
      found.push({ labels, increase: value >= earlier ? value - earlier : value });
    }
  }
  return found;
};

export const total = (found) => found.reduce((counted, { increase }) => counted + increase, 0);

export const ofCallers = ({ route }) => !MONITORING.has(route);

/** The estimate of PromQL's histogram_quantile, or undefined without observations. */
export const quantile = (found, wanted) => {
  const counts = new Map();
  for (const { labels, increase } of found) {
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    counts.set(bound, (counts.get(bound) ?? 0) + increase);
  }
  const rank = wanted * (counts.get(Infinity) ?? 0);
  if (!rank) {
    return undefined;
  }
  let [lower, below] = [0, 0];
  for (const [upper, count] of [...counts].sort(([first], [second]) => first - second)) {
    if (count >= rank) {
      return upper === Infinity ? lower : lower + ((upper - lower) * (rank - below)) / (count - below);
    }
    [lower, below] = [upper, count];
  }
  return undefined;
};
