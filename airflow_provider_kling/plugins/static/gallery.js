"use strict";

// Draws what api/run answers, a page of cards at a time. Names and messages are foreign text: they only ever become text
// nodes, and an address only ever becomes the src or href of an element made here.

const PAGE = 60;
const FILTERS = [["all", "All"], ["done", "Done"], ["making", "Being made"], ["waiting", "Waiting"], ["failed", "Failed"]];
let show = "all";
let cards = [];       // what is drawn: { data, element }
const filters = {};   // the buttons, by what they show
let total = 0;
let turn = 0;         // an answer to an older question is thrown away
let isOld = false;    // the sheet still has the cards of the filter before
let loading = 0;      // the turn in which more cards are on their way
let timer = 0;

function drawTop(answer) {
  part.sentence.textContent = answer.sentence;
  part.notes.replaceChildren(...answer.notes.map((note) => el("p", { className: "failure" }, note)));
  const { all, done, making, failed } = answer.counts;
  part.bar.hidden = !all;
  part.bar.replaceChildren(...Object.entries({ done, making, failed }).filter(([, count]) => count)
    .map(([name, count]) => { const bar = el("i", { className: name }); bar.style.flexGrow = count; return bar; }));
  const rest = all - done - making - failed;
  if (rest > 0) { const bar = el("i"); bar.style.flexGrow = rest; part.bar.append(bar); }
  // The buttons stay, and with them the keyboard's place.
  keep(part.filters, FILTERS.filter(([name]) => (name === "all" && all) || name === show || answer.counts[name])
    .map(([name, words]) => {
      const button = filterButton(name);
      button.textContent = `${words} ${answer.counts[name].toLocaleString()}`;
      return button;
    }));
}

function filterButton(name) {
  if (!filters[name]) {
    filters[name] = el("button", { type: "button" });
    filters[name].addEventListener("click", () => { show = name; restart(); });
    press();
  }
  return filters[name];
}

function press() {
  Object.entries(filters).forEach(([name, button]) => button.setAttribute("aria-pressed", String(name === show)));
}

function put(data, position) {
  const known = cards[position];
  if (known && JSON.stringify(known.data) === JSON.stringify(data)) return;
  const element = drawCard(data);
  if (known) replaceCard(known.element, element, known.data.state !== data.state);
  else part.sheet.append(element);
  cards[position] = { data, element };
}

async function load(offset, limit) {
  const mine = turn;
  const query = new URLSearchParams(run);
  Object.entries({ show, offset, limit }).forEach(([name, value]) => query.set(name, value));
  const answer = await ask(`api/run?${query}`);
  if (mine !== turn) return null;
  total = answer.total;
  if (isOld) part.sheet.replaceChildren();
  isOld = part.sheet.ariaBusy = false;
  answer.cards.forEach((data, index) => put(data, offset + index));
  while (cards.length > total) cards.pop().element.remove();
  drawTop(answer);
  if (opened) markEnds();
  part.end.textContent = cards.length < total ? "…" : (total || show === "all" ? "" : "None.");
  return answer;
}

async function more() {
  if (loading === turn || cards.length >= total) return;
  const mine = loading = turn;
  try {
    await load(cards.length, PAGE);
  } catch (error) {
    if (mine === turn) part.end.textContent = error.message;
    return;
  } finally {
    if (loading === mine) loading = 0;
  }
  if (mine === turn && part.end.getBoundingClientRect().top < innerHeight + 600) more();
}

async function refresh() {
  clearTimeout(timer);
  const mine = turn;
  let again = 10;
  try {
    if (!cards.length || !document.hidden) again = await pages();
  } catch (error) {
    if (mine !== turn) return;
    const isFinal = error instanceof Refusal;
    const words = isFinal ? error.message : "Airflow does not answer; this page tries again.";
    if (isFinal) again = 0;
    if (cards.length) part.end.textContent = words;
    else part.sentence.textContent = words;
  }
  if (again) timer = setTimeout(refresh, again * 1000);
}

// What is drawn and may still change, and the first page for the sentence.
async function pages() {
  const first = await load(0, PAGE);
  if (!first) return 0;
  for (let offset = PAGE; offset < cards.length; offset += PAGE) {
    const drawn = cards.slice(offset, offset + PAGE);
    if (drawn.some(({ data }) => !["done", "failed", "stopped"].includes(data.state))) await load(offset, PAGE);
  }
  more();
  return first.refresh_seconds;
}

function restart() {
  turn += 1;
  cards = [];
  isOld = part.sheet.ariaBusy = true;
  press();
  refresh();
}

new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) more(); },
  { rootMargin: "600px" }).observe(part.end);
restart();
