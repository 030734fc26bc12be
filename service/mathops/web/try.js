// The forms of the documentation page: log in once, then send each request with that token.
"use strict";

let token = "";

const show = (form, text) => {
  form.querySelector("output").textContent = text;
};

// Relative to the page, which a proxy may serve under a path prefix.
const send = (path, options) => fetch(`.${path}`, options);

const call = async (form) => {
  // An empty field means that its parameter is absent.
  const filled = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
  if (form.dataset.path === "/login") {
    const body = JSON.stringify(filled);
    const answer = await send("/login", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const document = await answer.json();
    token = document.access_token ?? "";
    return `${answer.status}\n${JSON.stringify(document, null, 2)}`;
  }
  const query = new URLSearchParams(filled);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await send(`${form.dataset.path}?${query}`, { headers });
  return `${answer.status}\n${await answer.text()}`;
};

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    show(form, "…");
    try {
      show(form, await call(form));
    } catch (error) {
      show(form, String(error));
    }
  });
}
