"use strict";

// What both pages do to ask Airflow's API server, and what they say when it refuses.

const REFUSED = {
  401: "Log in to Airflow, then reload this page: your session has ended.",
  403: "Ask for the right to read this Dag's task instances and XComs: Airflow does not give it to you.",
};

class Refusal extends Error {}

// Returns the answer. Raises a Refusal with what to do when asking again is of no use.
async function ask(address) {
  const answer = await fetch(address, { credentials: "same-origin", cache: "no-store" });
  if (answer.ok) return answer.json();
  const detail = (await answer.json().catch(() => ({}))).detail;
  // A token that was revoked is Airflow's 403, too.
  const status = String(detail).includes("JWT") ? 401 : answer.status;
  if (status >= 500) throw new Error("Airflow does not answer; this page tries again.");
  throw new Refusal(REFUSED[status] ?? String(detail));
}
