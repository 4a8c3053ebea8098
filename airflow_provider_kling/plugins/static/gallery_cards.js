"use strict";

// One card of the gallery, and the viewer that a click on it opens; see gallery.js.

const STATES = {
  waiting: "waiting", slot: "waits for a slot", making: "being made", storing: "being stored",
  done: "done", failed: "failed", stopped: "not made",
};
// What a card without a picture says.
const KINDS = { audios: "Sound", voices: "Voice", elements: "Element", faces: "Face", segments: "Part of an image" };
const MOTION = !matchMedia("(prefers-reduced-motion: reduce)").matches;
const given = new URLSearchParams(location.search);
const run = new URLSearchParams({ dag_id: given.get("dag_id") ?? "", run_id: given.get("run_id") ?? "" });
const part = Object.fromEntries(["sentence", "bar", "notes", "filters", "sheet", "end", "viewer", "viewer-name",
  "viewer-body", "before", "after", "close"].map((id) => [id, document.getElementById(id)]));

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
  const box = el("span", { className: `frame ${card.shows}` });
  const words = (text) => box.replaceChildren(said("span", { className: "words" }, text));
  const source = card.poster ? address(card, { what: "poster" })
    : (card.shows === "image" ? (card.files ? address(card, {}) : card.link) : "");
  const video = card.files ? address(card, {}) : card.link;
  if (source) {
    const image = el("img", { src: source, alt: "", loading: "lazy", decoding: "async" });
    image.addEventListener("error", () => words("No preview"), { once: true });
    box.append(image);
  } else if (card.shows === "video" && video) {
    const player = el("video", { muted: true, preload: "metadata", playsInline: true, tabIndex: -1 });
    player.dataset.source = `${video}#t=0.1`;
    player.addEventListener("error", () => words("No preview"), { once: true });
    box.append(player);
    seen.observe(player);
  } else words(card.message || (card.state === "done" && KINDS[card.kind]) || STATES[card.state]);
  return box;
}

function unitsOf(card) {
  return card.units ? `${card.units} ${card.units === "1" ? "unit" : "units"}` : "";
}

function drawCard(card) {
  const element = el("button", { type: "button", className: `card ${card.state}`, title: [card.name, card.message].filter(Boolean).join("\n") },
    frame(card),
    said("span", { className: "name" }, card.name),
    el("span", { className: "says" }, el("span", { className: `state ${card.state}` }, STATES[card.state]),
      el("span", {}, unitsOf(card))));
  element.addEventListener("click", () => view(card, element));
  return element;
}

// One of a card's files, with Kling's link behind the first.
function media(card, index, says) {
  const sources = [index < card.files ? address(card, { index }) : "", index ? "" : card.link].filter(Boolean);
  if (!sources.length || !card.shows) return null;
  return playable((source) => player(card, source, !index), sources, says);
}

function player(card, source, isFirst) {
  const named = { src: source, controls: true, ariaLabel: card.name };
  if (card.shows === "image") return el("img", { src: source, alt: card.name, className: "picture" });
  if (card.shows === "audio") return el("audio", { ...named, preload: "metadata" });
  return shaped(el("video", { ...named, autoplay: MOTION && isFirst, loop: true, muted: true, playsInline: true,
    poster: card.poster ? address(card, { what: "poster" }) : "" }));
}

function taskAddress(card) {
  const steps = ["dags", run.get("dag_id"), "runs", run.get("run_id"), "tasks", card.task_id];
  if (card.map_index >= 0) steps.push("mapped", String(card.map_index));
  // This page stands at …/kling/gallery; Airflow's own pages begin where /kling does.
  const root = location.pathname.replace(/\/kling\/gallery.*$/, "");
  // Airflow's own links have the time in a run's id as it is, and with another spelling no tab is marked as open.
  const plain = (step) => encodeURIComponent(step).replaceAll("%3A", ":").replaceAll("%2B", "+");
  return `${root}/${steps.map(plain).join("/")}`;
}

function openTask(card) {
  // The frame that shows this page may not leave Airflow's own page, so that page is asked to go there itself.
  const outside = window.parent.document;
  const link = Object.assign(outside.createElement("a"), { href: taskAddress(card) });
  outside.body.append(link);
  link.click();
  link.remove();
}

let opened = null;    // the card whose viewer is open

function view(card, element) {
  opened = element;
  part["viewer-name"].textContent = card.name;
  markEnds();
  const says = el("div", {});
  const shown = Array.from({ length: Math.max(1, card.files) }, (_, index) => media(card, index, says)).filter(Boolean);
  const facts = [STATES[card.state], unitsOf(card),
    card.files || !card.link ? "" : "not stored, played from Kling"].filter(Boolean).join(" · ");
  const go = el("button", { type: "button", id: "go" }, "Open its task");
  go.addEventListener("click", () => openTask(card));
  part["viewer-body"].replaceChildren(...shown, says,
    el("div", { className: "line" }, el("span", {}, facts),
      el("span", { className: "line" },
        card.files ? el("a", { className: "button", href: address(card, {}), download: "" }, "Download") : "", go)),
    card.message ? said("p", { className: "failure" }, card.message) : "",
    card.result_id ? el("p", { className: "mono" }, `${KINDS[card.kind] ?? "Result"} ${card.result_id}`) : "",
    card.kling_task_id ? el("p", { className: "quiet mono" }, `Kling task ${card.kling_task_id}`) : "");
  if (!part.viewer.open) part.viewer.showModal();
  // Behind the viewer the sheet goes along, and more cards come before its end is reached.
  element.scrollIntoView({ block: "nearest" });
}

function markEnds() {
  part.before.disabled = !cardBeside(opened, -1);
  part.after.disabled = !cardBeside(opened, 1);
}

// A card that is drawn anew takes the place of the one before, for the keyboard and in the viewer too.
function replaceCard(before, after, isOther) {
  const hasFocus = document.activeElement === before;
  before.replaceWith(after);
  if (opened === before) {
    opened = after;
    if (isOther) after.click();
  }
  if (hasFocus) after.focus();
}

// Left and right go through the results; on the sheet up and down, too. In a player they belong to the player.
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 0, ArrowDown: 0 };

function step(event) {
  const from = part.viewer.open ? opened : document.activeElement;
  if (!(event.key in STEPS) || !from?.matches(".card") || event.target.matches("video, audio")) return;
  const next = STEPS[event.key] ? cardBeside(from, STEPS[event.key]) : cardBelow(from, event.key === "ArrowDown" ? 1 : -1);
  if (!next || (part.viewer.open && !STEPS[event.key])) return;
  event.preventDefault();
  if (part.viewer.open) next.click();
  else next.focus();
}

function cardBeside(card, way) {
  return way > 0 ? card.nextElementSibling : card.previousElementSibling;
}

function cardBelow(card, way) {
  const isBelow = (other) => other.offsetLeft === card.offsetLeft && other.offsetTop !== card.offsetTop;
  let next = cardBeside(card, way);
  while (next && !isBelow(next)) next = cardBeside(next, way);
  return next;
}

part.before.addEventListener("click", () => cardBeside(opened, -1)?.click());
part.after.addEventListener("click", () => cardBeside(opened, 1)?.click());
part.close.addEventListener("click", () => part.viewer.close());
part.viewer.addEventListener("click", (event) => { if (event.target === part.viewer) part.viewer.close(); });
part.viewer.addEventListener("close", () => {
  part["viewer-body"].replaceChildren();
  opened?.focus();
  opened = null;
});
document.addEventListener("keydown", step);
