"use strict";

// What both pages do to ask Airflow's API server, and what they say when it refuses.

const REFUSED = {
  401: "Log in to Airflow, then reload this page: your session has ended.",
  403: "Ask for the right to read this Dag's task instances and XComs: Airflow does not give it to you.",
};

class Refusal extends Error {}

// A link comes from a Dag. One to Airflow itself would be opened with the session of whoever looks at the page: its address
// of the logout ends that.
function elsewhere(link) {
  try {
    return new URL(link, location.href).origin === location.origin ? "" : link;
  } catch {
    return "";
  }
}

// Returns the answer. Raises a Refusal with what to do when asking again is of no use.
async function ask(address) {
  // An answer that never comes would leave the page waiting for ever.
  const limits = { cache: "no-store", signal: AbortSignal.timeout(60_000) };
  const answer = await fetch(address, { credentials: "same-origin", ...limits });
  if (answer.ok) return JSON.parse(await answer.text(), (name, value) => (name === "link" ? elsewhere(value) : value));
  const detail = (await answer.json().catch(() => ({}))).detail;
  // A token that was revoked is Airflow's 403, too.
  const status = String(detail).includes("JWT") ? 401 : answer.status;
  if (status >= 500) throw new Error("Airflow does not answer; this page tries again.");
  throw new Refusal(REFUSED[status] ?? String(detail));
}
