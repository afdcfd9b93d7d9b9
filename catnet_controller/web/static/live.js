// Fetches this page again every few seconds and puts in what has changed.
"use strict";
(() => {
  const live = document.getElementById("live");
  const longest = 60000;
  const patience = 15000;
  const main = () => document.querySelector("main");
  let failures = 0;
  let timer = 0;
  let tag = "";

  const told = (text, how) => {
    if (live.textContent !== text) live.textContent = text;
    live.className = `live ${how}`;
  };

  const selecting = () => {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed;
  };

  // What the reader opened, closed or typed stays so.
  const keep = (old, fresh) => {
    for (const it of fresh.querySelectorAll("details[id]")) {
      const before = document.getElementById(it.id);
      if (before) it.open = before.open;
    }
    const active = document.activeElement;
    if (active && old.contains(active) && active.matches("input, select")) return false;
    return true;
  };

  const focused = (old) => {
    const active = document.activeElement;
    if (!active || !old.contains(active)) return null;
    const same = (it) => it.tagName === active.tagName && it.textContent === active.textContent &&
      it.getAttribute("href") === active.getAttribute("href");
    return (fresh) => [...fresh.querySelectorAll(active.tagName)].find(same);
  };

  const scrolled = (old) => [...old.querySelectorAll("pre")].map((it) => [it.scrollLeft, it.scrollTop]);

  // A filter that was chosen but not sent yet.
  const chosen = (old, fresh) => {
    for (const it of old.querySelectorAll("input[type=search], select")) {
      const same = fresh.querySelector(`${it.tagName}[name="${CSS.escape(it.name)}"]`);
      if (same) same.value = it.value;
    }
  };

  const put = (old, fresh) => {
    chosen(old, fresh);
    const again = focused(old);
    const places = scrolled(old);
    old.replaceWith(fresh);
    [...fresh.querySelectorAll("pre")].forEach((it, at) => {
      if (places[at]) [it.scrollLeft, it.scrollTop] = places[at];
    });
    const found = again && again(fresh);
    if (found) found.focus({ preventScroll: true });
  };

  // Section by section, so that only what has changed is touched.
  const replace = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const next = page.querySelector("main");
    if (!next) return;
    for (const it of next.querySelectorAll("details[id]")) {
      const before = document.getElementById(it.id);
      if (before) it.open = before.open;
    }
    const was = [...main().children];
    const is = [...next.children];
    const alike = was.length === is.length && was.every((it, at) => it.tagName === is[at].tagName &&
      it.getAttribute("aria-labelledby") === is[at].getAttribute("aria-labelledby"));
    if (alike) {
      was.forEach((it, at) => {
        if (!it.isEqualNode(is[at]) && keep(it, is[at])) put(it, is[at]);
      });
    } else if (keep(main(), next)) {
      put(main(), next);
    }
    main().dataset.every = next.dataset.every;
    if (document.title !== page.title) {
      document.title = page.title;
      told(page.title.replace(/ · CatNet$/, ""), "on");
    }
  };

  const look = async () => {
    clearTimeout(timer);
    if (document.hidden || selecting()) return wait();
    const end = new AbortController();
    const late = setTimeout(() => end.abort(), patience);
    try {
      const headers = { "X-CatNet-Fragment": "1" };
      if (tag) headers["If-None-Match"] = tag;
      const answer = await fetch(location.href.split("#")[0], {
        cache: "no-store", credentials: "same-origin", headers, signal: end.signal,
      });
      if (answer.status === 401 || answer.status === 403) {
        told("signed out: load the page again", "off");
        return undefined;
      }
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(String(answer.status));
        tag = answer.headers.get("ETag") || "";
        replace(await answer.text());
      }
      const now = new Date(answer.headers.get("Date") || Date.now());
      const asOf = document.getElementById("as-of");
      asOf.dateTime = now.toISOString();
      asOf.textContent = `${now.toISOString().slice(0, 19).replace("T", " ")} UTC`;
      if (failures || live.className !== "live on") told("", "on");
      failures = 0;
    } catch {
      failures += 1;
      if (failures > 1) told("no answer from the daemon", "off");
    } finally {
      clearTimeout(late);
    }
    return wait();
  };

  const wait = () => {
    clearTimeout(timer);
    const every = Number(main().dataset.every || 5) * 1000;
    timer = setTimeout(look, Math.min(longest, every * 2 ** Math.min(failures, 6)));
  };

  const open = () => {
    const named = location.hash && document.getElementById(location.hash.slice(1));
    if (named && named.matches("details")) named.open = true;
  };

  open();
  addEventListener("hashchange", open);
  told("", "on");
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  wait();
})();
