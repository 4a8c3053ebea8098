"use strict";

// What both pages do to draw. Foreign text only ever becomes a text node, and an address the src or href of an element.

function el(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

// A player as wide as its film is: one that is wider shows black bars beside an upright film.
function shaped(video) {
  video.addEventListener("loadedmetadata", () => {
    if (video.videoWidth) video.style.setProperty("--ratio", video.videoWidth / video.videoHeight);
  });
  return video;
}
