"use strict";

// Airflow has a switch for its colours: the page follows it, and by itself the browser's wish.

function follow(airflow) {
  const copy = () => {
    const isDark = airflow.classList.contains("dark") || airflow.style.colorScheme === "dark";
    document.documentElement.style.colorScheme = isDark ? "dark" : "light";
  };
  copy();
  new MutationObserver(copy).observe(airflow, { attributes: true, attributeFilter: ["class", "style"] });
}

try {
  if (window.parent !== window) follow(window.parent.document.documentElement);
} catch {
  // Shown inside another site: no colours to follow.
}
