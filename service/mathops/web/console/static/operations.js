// One form per operation of the OpenAPI document, with the predicted size and time.
import { byId, duration, element, number, plural } from "./dom.js";
import { resultElement } from "./result.js";
import { current, poll, problemElement, request } from "./service.js";

const PAUSE = 300;
const MOST_RESULTS = 10;
// Longer parameters go into the body of a POST request.
const LONGEST_QUERY = 4000;
const MEDIA_TYPE = "text/plain";
const TICK = 200;

// Results by path and query, to send their ETag with the next equal request.
const known = new Map();

/** The operations: those paths that have a prediction. */
export const operationsOf = ({ paths }) =>
  Object.keys(paths)
    .filter((path) => `${path}/plan` in paths)
    .map((path) => ({ path, name: path.slice(1), ...paths[path].get }));

/** Pasted numbers may have spaces, underscores and a typographic minus sign. */
const cleaned = (text) => text.replace(/[\s_]/g, "").replace("\u2212", "-");

const planSentence = (plan) => {
  const digits = plan.predicted_digits;
  if (!plan.accepted.includes(MEDIA_TYPE)) {
    const size = digits === null ? "more than 10^18 digits" : `about ${plural(digits, "digit")}`;
    return `Too large: ${size}, and the limit is ${number(plan.limits[MEDIA_TYPE])}.`;
  }
  const slow =
    plan.predicted_seconds > plan.deadline_seconds ? `, beyond the deadline of ${plan.deadline_seconds} s` : "";
  return `At most ${plural(digits, "digit")}, ${duration(plan.predicted_seconds)}${slow}.`;
};

class OperationForm {
  constructor(operation, finished) {
    Object.assign(this, { operation, finished });
    const id = operation.name;
    this.plan = element("p", { class: "plan", "aria-live": "polite" });
    this.output = element("div", { class: "output", role: "alert" });
    this.run = element("button", {}, "Run");
    this.cancel = element("button", { type: "button", hidden: true, onclick: () => this.running.abort() }, "Cancel");
    this.inputs = operation.parameters.map((parameter) => this.input(id, parameter));
    const heading = element("h3", { id: `${id}-heading` }, id);
    const fields = element("div", { class: "fields" }, ...this.inputs.map(({ field }) => field));
    const buttons = element("div", { class: "buttons" }, this.run, this.cancel);
    this.form = element(
      "form",
      { class: "card", "aria-labelledby": `${id}-heading`, novalidate: true },
      ...[heading, element("p", {}, operation.summary), fields, this.plan, buttons, this.output],
    );
    this.run.classList.add("primary");
    this.form.addEventListener("input", () => this.predictSoon());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  input(id, { name, description, example, schema }) {
    // Numeric keyboards of phones have no minus sign.
    const mode = schema.pattern.includes("-?") ? "text" : "numeric";
    const about = element("small", { id: `${id}-${name}-about` }, description);
    const input = element("input", {
      ...{ id: `${id}-${name}`, name, value: example, inputmode: mode, autocomplete: "off", spellcheck: "false" },
      "aria-describedby": about.id,
    });
    const field = element("div", { class: "field" }, element("label", { for: input.id }, name), input, about);
    return { name, input, field };
  }

  get parameters() {
    return Object.fromEntries(this.inputs.map(({ name, input }) => [name, cleaned(input.value)]));
  }

  mark(invalid = []) {
    for (const { name, input } of this.inputs) {
      input.setAttribute("aria-invalid", String(invalid.some(({ parameter }) => parameter === name)));
    }
  }

  predictSoon() {
    // An error is that of earlier values.
    if (!this.running && this.output.querySelector(".problem")) {
      this.output.replaceChildren();
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.predict(), PAUSE);
  }

  async predict() {
    const query = new URLSearchParams(this.parameters);
    if (!current() || `${query}`.length > LONGEST_QUERY) {
      this.plan.textContent = "";
      return;
    }
    this.query = `${query}`;
    let sentence;
    let invalid;
    try {
      sentence = planSentence(await (await poll(`${this.operation.path}/plan?${query}`)).json());
    } catch (problem) {
      sentence = problem.message;
      invalid = problem.document?.errors;
    }
    // A later prediction may have been faster.
    if (this.query === `${query}`) {
      this.plan.textContent = sentence;
      this.mark(invalid);
    }
  }

  async submit() {
    if (this.running) {
      return;
    }
    this.running = new AbortController();
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    const ticks = setInterval(() => {
      this.run.textContent = `Running… ${Math.floor(seconds())} s`;
    }, TICK);
    this.run.setAttribute("aria-disabled", "true");
    this.cancel.hidden = false;
    this.output.replaceChildren();
    try {
      const [parameters, signal] = [this.parameters, this.running.signal];
      const [response, text] = await this.evaluate(parameters, signal);
      this.mark();
      this.finished({ name: this.operation.name, parameters, response, text, seconds: seconds() });
    } catch (problem) {
      const stopped = problem.name === "AbortError";
      this.output.replaceChildren(stopped ? "Cancelled." : problemElement(problem));
      this.mark(problem.document?.errors);
    } finally {
      clearInterval(ticks);
      this.run.textContent = "Run";
      this.run.removeAttribute("aria-disabled");
      if (document.activeElement === this.cancel) {
        this.run.focus();
      }
      this.cancel.hidden = true;
      this.running = undefined;
      this.finished();
    }
  }

  /** The response and the digits, which a 304 response does not repeat. */
  async evaluate(parameters, signal) {
    const { path } = this.operation;
    const headers = { Accept: MEDIA_TYPE };
    const query = new URLSearchParams(parameters);
    if (`${query}`.length > LONGEST_QUERY) {
      headers["Content-Type"] = "application/json";
      const response = await request(path, { method: "POST", headers, body: JSON.stringify(parameters), signal });
      return [response, await response.text()];
    }
    const target = `${path}?${query}`;
    const copy = known.get(target);
    if (copy) {
      headers["If-None-Match"] = copy.tag;
    }
    const response = await request(target, { headers, signal });
    if (response.status === 304) {
      return [response, copy.text];
    }
    const text = await response.text();
    known.delete(target);
    known.set(target, { tag: response.headers.get("ETag"), text });
    if (known.size > MOST_RESULTS) {
      known.delete(known.keys().next().value);
    }
    return [response, text];
  }
}

/** Show the forms; `finished` is called after every request. */
export const showForms = (operations, finished) => {
  const forms = operations.map(
    (operation) =>
      new OperationForm(operation, (run) => {
        if (run) {
          const { article, sentence } = resultElement(run);
          const list = byId("result-list");
          list.prepend(article);
          while (list.children.length > MOST_RESULTS) {
            list.lastChild.remove();
          }
          byId("results").hidden = false;
          byId("announcement").textContent = sentence;
        } else {
          finished();
        }
      }),
  );
  byId("forms").replaceChildren(...forms.map(({ form }) => form));
  return {
    predict: () => forms.forEach((form) => form.predict()),
    focus: () => forms[0]?.inputs[0]?.input.select(),
    clear: () => {
      known.clear();
      byId("result-list").replaceChildren();
      byId("results").hidden = true;
      forms.forEach((form) => {
        form.running?.abort();
        form.output.replaceChildren();
      });
    },
  };
};
