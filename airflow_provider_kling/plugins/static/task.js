"use strict";

// Draws what api/task answers. Prompts, messages and names are foreign text: they only ever become text nodes, and an
// address only ever becomes the src or href of an element made here.

const page = document.getElementById("page");
const headline = el("h1", {});
headline.setAttribute("aria-live", "polite");
const columns = el("div", {}, el("div", { className: "column" }), el("div", { className: "column" }));
const parts = new Map();  // what is drawn, by its title: { text, element }
let drawn = "";

// A part of the page, or null when it has nothing to say. One that says what it said before is not drawn anew.
function part(title, data, make, wrap = (content) => el("section", {}, el("h2", {}, title), content)) {
  if (!data || data.length === 0) return null;
  const text = JSON.stringify(data);
  if (parts.get(title)?.text !== text) parts.set(title, { text, element: wrap(make(data)) });
  return parts.get(title).element;
}

function time(milliseconds) {
  const parts = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit" };
  return new Date(milliseconds).toLocaleString(undefined, parts);
}

function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  return whole < 7200 ? `${Math.round(whole / 60)} min` : `${(whole / 3600).toFixed(1)} h`;
}

function copyButton(text) {
  const button = el("button", { type: "button", title: `Copy ${text}`, ariaLabel: `Copy ${text}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without HTTPS a browser has no clipboard for pages: the old way.
      const field = el("textarea", { value: text, className: "clipboard" });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.textContent = button.ariaLabel = "Copied";
    setTimeout(() => Object.assign(button, { textContent: "Copy", ariaLabel: `Copy ${text}` }), 1500);
  });
  return button;
}

function rows(list, canCopy = false) {
  return el("dl", { className: canCopy ? "ids" : "" }, ...list.flatMap((row) => [
    el("dt", {}, row.label, canCopy ? copyButton(row.value) : ""),
    canCopy ? el("dd", { className: "mono" }, row.value) : said("dd", {}, ...place(row.value))]));
}

function player(result, source) {
  const named = { src: source, controls: true, preload: "metadata", ariaLabel: result.title };
  if (result.kind === "video") return shaped(el("video", { ...named, loop: true }));
  if (result.kind === "audio") return el("audio", named);
  return el("img", { src: source, alt: result.title, className: "picture", loading: "lazy" });
}

function figure(result) {
  const stored = result.file === null ? "" : `api/file${location.search}&index=${result.file}`;
  const words = [result.place ? "" : result.title, ...result.notes].filter(Boolean).join(" · ");
  const copied = result.place || result.link || result.id;
  const says = el("figcaption", {}, el("div", { className: "line" }, said("span", {}, words),
    el("span", { className: "line" },
      stored ? el("a", { className: "button", href: stored, download: "" }, "Download") : "",
      copied ? copyButton(copied) : "")));
  const shown = el("figure", {}, says);
  if (result.place) says.append(el("div", { className: "quiet mono" }, ...place(result.place)));
  const sources = [stored, result.link].filter(Boolean);
  if (sources.length) shown.prepend(playable((source) => player(result, source), sources, says));
  return shown;
}

function frame(given) {
  const source = given.stored === null ? given.link : `api/frame${location.search}&index=${given.stored}`;
  const says = el("figcaption", {}, given.label, el("br"), el("span", { className: "quiet mono" }, ...place(given.text)));
  if (!source) return el("figure", {}, says);
  const picture = el("img", { src: source, alt: given.label, className: "picture" });
  picture.addEventListener("error", () => {
    picture.remove();
    says.append(el("br"), el("span", { className: "quiet" }, given.link ? "This browser cannot load it."
      : "Not shown: the API server finds no PNG or JPEG picture there that it may read."));
  }, { once: true });
  return el("figure", {}, picture, says);
}

function waiting(wait) {
  const now = Date.now();
  const look = wait.next_look > now ? `in ${span((wait.next_look - now) / 1000)}`
    : (wait.every_seconds ? `within ${span(wait.every_seconds)}` : "");
  return rows([
    { label: "Waits for", value: wait.what === "no slot yet" ? "a slot at Kling" : "the result: it is being made" },
    { label: "Since", value: wait.since ? `${time(wait.since)} (${span((now - wait.since) / 1000)})` : "" },
    { label: wait.what === "no slot yet" ? "Then usually takes" : "Usually takes", value: wait.usual },
    { label: "Next poll", value: look },
    { label: "Gives up", value: wait.until ? time(wait.until) : "" },
  ].filter((row) => row.value));
}

function timeLine(steps) {
  return el("ol", {}, ...steps.map((step, index) => {
    const before = index ? (step.at - steps[index - 1].at) / 1000 : 0;
    const notes = [time(step.at), before >= 1 ? `${span(before)} later` : "", step.note].filter(Boolean);
    return el("li", {}, step.label, el("br"), el("span", { className: "quiet" }, notes.join(" · ")));
  }));
}

function failed(failure) {
  const codes = [failure.code && `Kling's code ${failure.code}`, failure.http_status && `HTTP status ${failure.http_status}`];
  const known = codes.filter(Boolean).join(", ");
  return said("div", { className: "failure" }, failure.sentence, known ? el("p", { className: "quiet" }, known) : "");
}

function results(list) {
  const isSheet = list.filter((result) => result.kind === "image").length > 1;
  return el("div", { className: isSheet ? "sheet" : "" }, ...list.map(figure));
}

function draw(view) {
  if (!view.is_kling) return page.replaceChildren(el("p", { className: "quiet" }, "This task is not Kling's."));
  const itself = (content) => content;
  const written = (text) => said("p", { className: "prompt" }, text);
  const parameters = part("Parameters", view.parameters, (list) => rows(list));
  // They stand in the column that is shorter: on the right beside pictures of what was given and what was made.
  const isTall = view.frames.length && (view.wait || view.results.some(({ kind }) => kind === "video" || kind === "image"));
  const left = [
    // How long it waits is counted here, so this part is drawn anew each time.
    part("Now", view.wait && [view.wait, Date.now()], ([wait]) => waiting(wait)),
    part("Result", view.results, results),
    part("Given", view.frames, (list) => el("div", { className: "frames" }, ...list.map(frame))),
    part("Prompt", view.prompt, written),
    part("Text", view.text, written),
    part("Not wanted", view.negative_prompt, written),
    isTall ? null : parameters,
  ].filter(Boolean);
  const right = [
    part("Facts", view.facts, (list) => rows(list)),
    part("Time line", view.time_line, timeLine),
    part("Ids", view.ids, (list) => rows(list, true)),
    isTall ? parameters : null,
  ].filter(Boolean);
  if (headline.textContent !== view.headline) headline.textContent = view.headline;
  headline.className = view.tone;
  [left, right].forEach((column, index) => { columns.children[index].hidden = !column.length; keep(columns.children[index], column); });
  columns.className = left.length && right.length ? "columns" : "one";
  keep(page, [
    headline,
    part("Failure", view.failure, failed, itself),
    part("Sentence", view.sentence, (text) => said("p", { className: "quiet" }, text), itself),
    columns,
  ].filter(Boolean));
}

async function load() {
  let again = 15;
  if (!drawn || !document.hidden) {
    try {
      again = await look();
    } catch (error) {
      const isFinal = error instanceof Refusal;
      if (isFinal) again = 0;
      if (isFinal || !drawn) {
        page.replaceChildren(el("p", { role: "alert" }, isFinal ? error.message : "Airflow does not answer; this page tries again."));
      }
    }
  }
  if (again) setTimeout(load, again * 1000);
}

async function look() {
  const body = await ask(`api/task${location.search}`);
  // What plays goes on playing: the page is drawn anew only when something changed, or while a wait counts.
  const text = JSON.stringify(body);
  if (text !== drawn || body.wait) draw(body);
  drawn = text;
  return body.refresh_seconds;
}

load();
