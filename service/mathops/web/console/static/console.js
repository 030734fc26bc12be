// The console: sign in, compute, see the history and the state of the service.
import { byId } from "./dom.js";
import { clear, refresh, showHistory, update } from "./history.js";
import { showLive } from "./live.js";
import { operationsOf, showForms } from "./operations.js";
import { current, events, poll, problemElement, restore, showSession, signIn, signInLinks } from "./service.js";

const SIGNED_IN = ["operations", "history"];

const signInForm = byId("sign-in-form");

/** The form without a password where anyone may log in. */
const fitSignIn = async () => {
  let login = "";
  try {
    login = (await (await poll("/readyz")).json()).login;
  } catch (problem) {
    login = problem.document?.login ?? "";
  }
  const demo = login.startsWith("demo");
  byId("password-field").hidden = demo;
  byId("password").required = !demo;
  byId("user-about").textContent = demo ? "A demo: any name, no password." : "";
};

const showSignIn = () => {
  signInForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = signInForm.querySelector(".output");
    output.replaceChildren();
    const { user, password } = Object.fromEntries(new FormData(signInForm));
    try {
      await signIn({ user: user.trim(), ...(password ? { password } : {}) });
      signInForm.reset();
    } catch (problem) {
      output.replaceChildren(problemElement(problem));
    }
  });
};

const showPage = async () => {
  showSignIn();
  await Promise.all([restore(), fitSignIn()]);
  byId("issuers").replaceChildren(...signInLinks("/"));
  const description = await (await poll("/openapi.json")).json();
  const operations = operationsOf(description);
  const forms = showForms(operations, update);
  showHistory(operations, description);
  let before = current();
  const show = (sentence) => {
    byId("notice").textContent = sentence;
    byId("sign-in").hidden = Boolean(current());
    SIGNED_IN.forEach((id) => {
      byId(id).hidden = !current();
    });
    if (current()) {
      forms.predict();
      refresh();
    } else {
      forms.clear();
      clear();
    }
    if (Boolean(before) !== Boolean(current())) {
      // The focused element has disappeared.
      if (current()) {
        forms.focus();
      } else {
        byId("user").focus();
      }
    }
    before = current();
  };
  events.addEventListener("session", ({ detail }) => show(detail));
  show("");
};

showSession(byId("session"));
showLive();
showPage().catch((problem) => byId("notice").replaceChildren(problemElement(problem)));
