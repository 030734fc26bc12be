// The forms of the API page: each sends its request with the token of the session.
import { download } from "./digits.js";
import { byId, element, plural } from "./dom.js";
import { address, current, end, events, problemElement, request, restore, showSession, signInLinks, start } from "./service.js";

// A result may have millions of digits.
const MOST_CHARACTERS = 2000;
const FORM = "application/x-www-form-urlencoded";

const send = (form) => {
  const { method, path, mediaType } = form.dataset;
  const anonymous = !("bearer" in form.dataset);
  // An empty field means that its parameter is absent.
  const filled = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
  if (mediaType) {
    const body = mediaType === FORM ? `${new URLSearchParams(filled)}` : JSON.stringify(filled);
    // Otherwise a Basic challenge would open a dialog of the browser, and the request would wait for it.
    const credentials = mediaType === FORM ? "omit" : "same-origin";
    return request(path, { anonymous, credentials, method, headers: { "Content-Type": mediaType }, body });
  }
  const query = `${new URLSearchParams(filled)}`;
  return request(query ? `${path}?${query}` : path, { anonymous, method });
};

const showResponse = async (form, response) => {
  const text = await response.text();
  if (form.dataset.path === "/login") {
    start(new FormData(form).get("user"), JSON.parse(text));
  }
  if (form.dataset.path === "/logout") {
    end("");
  }
  const shown = [element("p", {}, `${response.status} ${response.headers.get("Content-Type") ?? "without content"}`)];
  if (text) {
    const cut = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
    const attributes = { tabindex: "0", role: "group", "aria-label": "Response" };
    shown.push(element("pre", attributes, element("code", {}, cut)));
  }
  if (text.length > MOST_CHARACTERS) {
    const name = `${form.dataset.path.replace(/\W+/g, "-").slice(1)}.txt`;
    const button = element("button", { type: "button", onclick: () => download(text, name) }, "Download");
    shown.push(element("p", {}, `${plural(text.length - MOST_CHARACTERS, "character")} not shown. `, button));
  }
  return shown;
};

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = form.querySelector(".output");
    output.replaceChildren("…");
    try {
      output.replaceChildren(...(await showResponse(form, await send(form))));
    } catch (problem) {
      const status = problem.status ? [element("p", {}, String(problem.status))] : [];
      output.replaceChildren(...status, problemElement(problem));
    }
  });
}

byId("origin").textContent = address("/").href.replace(/\/$/, "");
showSession(byId("session"));
events.addEventListener("session", () => {
  if (!current()) {
    byId("session").replaceChildren(...signInLinks("/docs"));
  }
});
restore();
