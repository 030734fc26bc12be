// Requests to the service, and the session whose token they send.
import { element } from "./dom.js";

// From the address of this file, because a proxy may serve the service under a path prefix.
const ROOT = new URL("../", import.meta.url);
// Services under different prefixes share the storage of their origin.
const KEY = `mathops:${ROOT.pathname}`;
// Timers count milliseconds in 32 bits.
const LONGEST_TIMER = 2 ** 31 - 1;
const POLL_TIMEOUT = 10_000;
const LONGEST_DETAIL = 300;

/** Dispatches `session` when the session starts or ends; its detail is a sentence for the reader. */
export const events = new EventTarget();

let session = null;
let timer;
// Issuers for signing in.
let issuers = [];

/** The user and, unless a cookie has it, the token. */
export const current = () => session;
export const address = (path) => new URL(`.${path}`, ROOT);
/** The query of a link, whose path may have a prefix that this page lacks. */
export const queryOf = (link) => new URL(link, ROOT).search;
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const store = (text) => {
  try {
    if (text) {
      sessionStorage.setItem(KEY, text);
    } else {
      sessionStorage.removeItem(KEY);
    }
  } catch {
    // A browser may forbid storage; the session then ends with the page.
  }
};

const change = (next, sentence = "") => {
  session = next;
  clearTimeout(timer);
  if (next) {
    timer = setTimeout(
      end,
      Math.min(next.expires - Date.now(), LONGEST_TIMER),
      "The session has expired. Sign in again.",
    );
  }
  store(next?.token && JSON.stringify(next));
  events.dispatchEvent(new CustomEvent("session", { detail: sentence }));
};

export const end = (sentence) => change(null, sentence);

/** Continue the session of this browser tab, or else that of the cookie, which scripts cannot read. */
export const restore = async () => {
  let stored = null;
  try {
    stored = JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    // As without a session.
  }
  let cookie = {};
  try {
    cookie = await (await poll("/session", { anonymous: true })).json();
    issuers = cookie.sign_in;
  } catch {
    // The requests of the page will report it.
  }
  if (stored?.token && stored.expires > Date.now()) {
    change(stored);
  } else {
    change(cookie.user ? { ...cookie, expires: cookie.expires * 1000 } : null);
  }
};

/** A link for each issuer; the browser then returns to the page `next`. */
export const signInLinks = (next) =>
  issuers.map(({ label, path }) =>
    element("a", { class: "button", href: address(`${path}?next=${next}`) }, `Sign in with ${label}`),
  );

// A page that the browser kept for its Back button may show a session that has ended on another page.
addEventListener("pageshow", ({ persisted }) => persisted && restore());

/** A problem response (RFC 9457), or the failure to get a response. */
export class Problem extends Error {
  constructor(document, response) {
    super(document.detail);
    Object.assign(this, { document, status: response?.status ?? 0 });
    this.retryAfter = Number(response?.headers.get("Retry-After")) || 0;
  }
}

const problemOf = async (response) => {
  const text = await response.text();
  let document = { detail: "The response did not come from mathops, but perhaps from a proxy." };
  try {
    document = JSON.parse(text);
  } catch {
    // Proxies send HTML.
  }
  const title = `HTTP status ${response.status}`;
  return new Problem(
    { title, detail: document.error_description ?? text.slice(0, LONGEST_DETAIL), ...document },
    response,
  );
};

/** The response to a request, with the token of the session unless it is anonymous; problems are thrown. */
export const request = async (path, { anonymous = false, ...options } = {}) => {
  const sent = anonymous ? null : session;
  const headers = { ...options.headers, ...(sent?.token ? { Authorization: `Bearer ${sent.token}` } : {}) };
  let response;
  try {
    response = await fetch(address(path), { cache: "no-store", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    throw new Problem({ title: "No response", detail: "The service cannot be reached. Retry later." });
  }
  if (response.ok || response.status === 304) {
    return response;
  }
  const problem = await problemOf(response);
  if (response.status === 401 && sent && sent === session) {
    end("The session has ended. Sign in again.");
  }
  throw problem;
};

/** A request of the page itself, which may not hang. */
export const poll = (path, options = {}) => request(path, { signal: AbortSignal.timeout(POLL_TIMEOUT), ...options });

/** Start the session of a response to a login. */
export const start = (user, { access_token: token, expires_in: lifetime, scope }) => {
  change({ user, token, scope, expires: Date.now() + lifetime * 1000 });
};

export const signIn = async (credentials) => {
  const headers = { "Content-Type": "application/json" };
  const response = await request("/login", {
    anonymous: true,
    method: "POST",
    headers,
    body: JSON.stringify(credentials),
  });
  start(credentials.user, await response.json());
};

export const signOut = async () => {
  try {
    if (session.token) {
      await request("/logout", { method: "POST" });
      end("");
    } else {
      // First, so that no update of the page uses the revoked token.
      end("");
      const { end_session_url: page } = await (await request("/sign-out", { method: "POST" })).json();
      if (page) {
        location.assign(page);
      }
    }
  } catch (problem) {
    // A rejected token is revoked or expired already.
    end(
      problem.status === 401
        ? ""
        : `The page has removed the session, but the service did not revoke its token: ${problem.message}`,
    );
  }
};

/** Title, detail and a link to the page of the problem type. */
export const problemElement = ({ document: problem, message }) => {
  const shown = element(
    "div",
    { class: "problem" },
    element("p", {}, element("strong", {}, problem?.title ?? "Error")),
  );
  shown.append(element("p", {}, problem?.detail ?? message));
  const slug = problem?.type?.split("/problems/")[1];
  if (slug) {
    const page = element("a", { href: address(`/problems/${encodeURIComponent(slug)}`) }, `About ${slug}`);
    const id = problem.request_id ? ` · request ${problem.request_id}` : "";
    shown.append(element("p", {}, page, id));
  }
  return shown;
};

/** User and a button to sign out, in the header of the page. */
export const showSession = (container) => {
  const button = () => element("button", { type: "button", onclick: signOut }, "Sign out");
  const user = () => element("span", { title: session.user }, session.name ?? session.user);
  const show = () => container.replaceChildren(...(session ? [user(), button()] : []));
  events.addEventListener("session", show);
};
