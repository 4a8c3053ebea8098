"use strict";

// What both pages do to draw. Foreign text only ever becomes a text node, and an address the src or href of an element.

function el(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

// Foreign text in whatever direction its first letters have.
function said(tag, properties, ...children) {
  return el(tag, { dir: "auto", ...properties }, ...children);
}

// Gives a parent these children. Those that it has stay where they are: a film plays on, the keyboard's place is kept.
function keep(parent, children) {
  [...parent.childNodes].filter((child) => !children.includes(child)).forEach((child) => child.remove());
  children.forEach((child, place) => {
    if (parent.childNodes[place] !== child) parent.insertBefore(child, parent.childNodes[place] ?? null);
  });
}

// A place, which is broken after a slash rather than inside of a name.
function place(text) {
  return text.split(/(?<=\/)(?!\/)/).flatMap((part, index) => (index ? [el("wbr"), part] : [part]));
}

// The first of the sources that this browser can show, and below it why one before it cannot be shown.
function playable(make, sources, says) {
  const [source, ...others] = sources;
  const media = make(source);
  media.addEventListener("error", async () => {
    const reason = el("div", { className: "quiet" }, await whyNot(source));
    if (others.length) media.replaceWith(playable(make, others, says));
    else media.remove();
    says.append(reason);
  }, { once: true });
  return media;
}

async function whyNot(source) {
  if (!source.startsWith("api/")) return "This browser cannot load it from Kling.";
  try {
    const answer = await fetch(source, { headers: { Range: "bytes=0-0" } });
    const body = answer.ok ? null : await answer.json();
    return body ? String(body.detail) : "This browser cannot play the stored file.";
  } catch {
    return "Airflow does not answer.";
  }
}

// A player as wide as its film is: one that is wider shows black bars beside an upright film.
function shaped(video) {
  video.addEventListener("loadedmetadata", () => {
    if (video.videoWidth) video.style.setProperty("--ratio", video.videoWidth / video.videoHeight);
  });
  return video;
}
