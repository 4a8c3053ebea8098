"use strict";

// Foreign text is only ever set as text: see show().
const page = document.getElementById("page");

async function load() {
  const answer = await fetch(`api/task${location.search}`, { credentials: "same-origin" });
  show(answer.ok ? JSON.stringify(await answer.json(), null, 2) : `${answer.status} ${answer.statusText}`);
}

function show(text) {
  const block = document.createElement("pre");
  block.textContent = text;
  page.replaceChildren(block);
}

load();
