"use strict";

// Draws what api/task answers. Prompts, messages and names are foreign text: they only ever become text nodes, and an
// address only ever becomes the src or href of an element made here.

const page = document.getElementById("page");
let drawn = "";

function section(title, ...children) {
  const content = children.filter((child) => child !== null);
  return content.length ? el("section", {}, el("h2", {}, title), ...content) : null;
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
      const field = el("textarea", { value: text });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}

function rows(list, canCopy = false) {
  if (!list.length) return null;
  return el("dl", { className: canCopy ? "ids" : "" }, ...list.flatMap((row) => [
    el("dt", {}, row.label, canCopy ? copyButton(row.value) : ""),
    el("dd", { className: canCopy ? "mono" : "" }, row.value)]));
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
  const says = el("figcaption", {}, el("div", { className: "line" }, el("span", {}, words),
    el("span", { className: "line" },
      stored ? el("a", { className: "button", href: stored, download: "" }, "Download") : "",
      copied ? copyButton(copied) : "")));
  const shown = el("figure", {}, says);
  if (result.place) says.append(el("div", { className: "quiet mono" }, result.place));
  if (stored || result.link) shown.prepend(play(result, stored, says));
  return shown;
}

function play(result, stored, says) {
  const media = player(result, stored || result.link);
  media.addEventListener("error", async () => {
    says.append(el("div", { className: "quiet" }, await whyNot(stored)));
    if (stored && result.link) media.replaceWith(player(result, result.link));
    else media.remove();
  }, { once: true });
  return media;
}

async function whyNot(stored) {
  if (!stored) return "This browser cannot load it from Kling.";
  const answer = await fetch(stored, { headers: { Range: "bytes=0-0" } });
  const body = answer.ok ? null : await answer.json().catch(() => null);
  return body && body.detail ? String(body.detail) : "This browser cannot play the stored file.";
}

function frame(given) {
  const source = given.stored === null ? given.link : `api/frame${location.search}&index=${given.stored}`;
  const says = el("figcaption", {}, given.label, el("br"), el("span", { className: "quiet mono" }, given.text));
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
    { label: "Next look", value: look },
    { label: "Gives up", value: wait.until ? time(wait.until) : "" },
  ].filter((row) => row.value));
}

function timeLine(steps) {
  if (!steps.length) return null;
  return el("ol", {}, ...steps.map((step, index) => {
    const before = index ? (step.at - steps[index - 1].at) / 1000 : 0;
    const notes = [time(step.at), index ? `${span(before)} later` : "", step.note].filter(Boolean);
    return el("li", {}, step.label, el("br"), el("span", { className: "quiet" }, notes.join(" · ")));
  }));
}

function draw(view) {
  if (!view.is_kling) return page.replaceChildren(el("p", { className: "quiet" }, "This task is not Kling's."));
  const failure = view.failure && el("div", { className: "failure" }, view.failure.sentence,
    view.failure.code ? el("p", { className: "quiet" }, `Kling's code ${view.failure.code}`) : "");
  const isSheet = view.results.filter((result) => result.kind === "image").length > 1;
  const frames = view.frames.length ? el("div", { className: "frames" }, ...view.frames.map(frame)) : null;
  const left = [
    section("Now", view.wait ? waiting(view.wait) : null),
    section("Result", view.results.length
      ? el("div", { className: isSheet ? "sheet" : "" }, ...view.results.map(figure)) : null),
    section("Given", frames),
    section("Prompt", view.prompt ? el("p", { className: "prompt" }, view.prompt) : null),
    section("Text", view.text ? el("p", { className: "prompt" }, view.text) : null),
    section("Not wanted", view.negative_prompt ? el("p", { className: "prompt" }, view.negative_prompt) : null),
    section("Parameters", rows(view.parameters)),
  ];
  const right = [
    section("Facts", rows(view.facts)),
    section("Time line", timeLine(view.time_line)),
    section("Ids", rows(view.ids, true)),
  ];
  const columns = [left, right].map((parts) => parts.filter(Boolean)).filter((parts) => parts.length);
  page.replaceChildren(...[
    el("h1", { className: view.tone }, view.headline),
    failure,
    view.sentence ? el("p", { className: "quiet" }, view.sentence) : null,
    el("div", { className: columns.length > 1 ? "columns" : "" },
      ...columns.map((parts) => el("div", { className: "column" }, ...parts))),
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
        page.replaceChildren(el("p", {}, isFinal ? error.message : "Airflow does not answer; this page tries again."));
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
