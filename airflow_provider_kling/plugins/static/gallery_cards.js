"use strict";

// One card of the gallery, and the viewer that a click on it opens; see gallery.js.

const STATES = {
  waiting: "waiting", slot: "waits for a slot", making: "being made", storing: "being stored",
  done: "done", failed: "failed", stopped: "not made",
};
const given = new URLSearchParams(location.search);
const run = new URLSearchParams({ dag_id: given.get("dag_id") ?? "", run_id: given.get("run_id") ?? "" });
const part = Object.fromEntries(["sentence", "bar", "notes", "filters", "sheet", "end", "viewer", "viewer-name",
  "viewer-body", "close"].map((id) => [id, document.getElementById(id)]));


function el(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

function address(card, more) {
  const query = new URLSearchParams(run);
  const own = { task_id: card.holder[0], map_index: card.holder[1], item: card.item, ...more };
  Object.entries(own).forEach(([name, value]) => query.set(name, value));
  return `api/run/file?${query}`;
}

// A frame of a video that has no poster; the browser loads its head when the card comes into view.
const seen = new IntersectionObserver((entries) => entries.forEach((entry) => {
  const video = entry.target;
  if (entry.isIntersecting && !video.src) video.src = video.dataset.source;
}), { rootMargin: "200px" });

function frame(card) {
  const box = el("span", { className: "frame" });
  const words = (text) => box.replaceChildren(el("span", { className: "words" }, text));
  const source = card.poster ? address(card, { what: "poster" })
    : (card.kind === "images" ? (card.files ? address(card, {}) : card.link) : "");
  const video = card.files ? address(card, {}) : card.link;
  if (source) {
    const image = el("img", { src: source, alt: "", loading: "lazy", decoding: "async" });
    image.addEventListener("error", () => words("No preview"), { once: true });
    box.append(image);
  } else if (card.kind === "videos" && video) {
    const player = el("video", { muted: true, preload: "metadata", playsInline: true, tabIndex: -1 });
    player.dataset.source = `${video}#t=0.1`;
    player.addEventListener("error", () => words("No preview"), { once: true });
    box.append(player);
    seen.observe(player);
  } else words(card.message || (card.kind === "audios" ? "Sound" : STATES[card.state]));
  return box;
}

function drawCard(card) {
  const units = card.units ? `${card.units} ${card.units === "1" ? "unit" : "units"}` : "";
  const element = el("button", { type: "button", className: `card ${card.state}`, title: card.message || card.name },
    frame(card),
    el("span", { className: "name" }, card.name),
    el("span", { className: "says" }, el("span", { className: `state ${card.state}` }, STATES[card.state]),
      el("span", {}, units)));
  element.addEventListener("click", () => view(card));
  return element;
}

function media(card, index) {
  const source = card.files ? address(card, { index }) : card.link;
  if (!source) return null;
  if (card.kind === "images") return el("img", { src: source, alt: card.name, className: "picture" });
  if (card.kind === "audios") return el("audio", { src: source, controls: true, preload: "metadata" });
  if (card.kind !== "videos") return null;
  return el("video", { src: source, controls: true, autoplay: true, loop: true, muted: true, playsInline: true,
    poster: card.poster ? address(card, { what: "poster" }) : "" });
}

function taskAddress(card) {
  const steps = ["dags", run.get("dag_id"), "runs", run.get("run_id"), "tasks", card.task_id];
  if (card.map_index >= 0) steps.push("mapped", String(card.map_index));
  // This page stands at …/kling/gallery; Airflow's own pages begin where /kling does.
  const root = location.pathname.replace(/\/kling\/gallery.*$/, "");
  return `${root}/${steps.map(encodeURIComponent).join("/")}`;
}

function openTask(card) {
  // The frame that shows this page may not leave Airflow's own page, so that page is asked to go there itself.
  const outside = window.parent.document;
  const link = Object.assign(outside.createElement("a"), { href: taskAddress(card) });
  outside.body.append(link);
  link.click();
  link.remove();
}

function view(card) {
  part["viewer-name"].textContent = card.name;
  const shown = Array.from({ length: Math.max(1, card.files) }, (_, index) => media(card, index)).filter(Boolean);
  shown.slice(1).forEach((player) => { player.autoplay = false; });
  const facts = [STATES[card.state], card.units ? `${card.units} units` : "",
    card.files || !card.link ? "" : "not stored, played from Kling"].filter(Boolean).join(" · ");
  const go = el("button", { type: "button", id: "go" }, "Open its task");
  go.addEventListener("click", () => openTask(card));
  part["viewer-body"].replaceChildren(...shown,
    el("p", {}, facts),
    card.message ? el("p", { className: "failure" }, card.message) : "",
    card.kling_task_id ? el("p", { className: "quiet mono" }, `Kling task ${card.kling_task_id}`) : "",
    card.files ? el("p", {}, el("a", { href: address(card, {}), download: "" }, "Download")) : "",
    el("p", {}, go));
  part.viewer.showModal();
}

part.close.addEventListener("click", () => part.viewer.close());
part.viewer.addEventListener("click", (event) => { if (event.target === part.viewer) part.viewer.close(); });
part.viewer.addEventListener("close", () => part["viewer-body"].replaceChildren());
