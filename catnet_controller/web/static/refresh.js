// Fetches this page again every few seconds and puts the new content in place of the old one.
"use strict";
(() => {
  const every = 4000;
  const live = document.getElementById("live");
  let failures = 0;

  const busy = () => {
    const element = document.activeElement;
    const selection = document.getSelection();
    return (element && element.matches("input, textarea, select")) ||
      (selection && !selection.isCollapsed);
  };

  // What the reader opened or closed stays so.
  const opened = () => new Map(
    [...document.querySelectorAll("main details[id]")].map((it) => [it.id, it.open]));

  const replace = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const next = fresh.querySelector("main");
    if (!next) return;
    const before = opened();
    for (const it of next.querySelectorAll("details[id]")) {
      if (before.has(it.id)) it.open = before.get(it.id);
    }
    const focused = document.activeElement && document.activeElement.getAttribute("href");
    document.querySelector("main").replaceWith(next);
    if (focused) {
      const again = [...next.querySelectorAll("a[href]")]
        .find((it) => it.getAttribute("href") === focused);
      if (again) again.focus({ preventScroll: true });
    }
    document.querySelector("footer").replaceWith(fresh.querySelector("footer"));
    document.title = fresh.title;
  };

  const look = async () => {
    if (document.hidden || busy()) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      replace(await answer.text());
      failures = 0;
      live.textContent = "";
      live.className = "live on";
    } catch {
      failures += 1;
      if (failures > 1) {
        live.textContent = "no answer from the daemon";
        live.className = "live off";
      }
    }
  };

  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (named && named.matches("details")) named.open = true;

  live.className = "live on";
  setInterval(look, every);
  document.addEventListener("visibilitychange", look);
})();
