/* The words and numbers of the wall: puts new HTML into the slots that changed, ages every number by the server's
   clock, and says so in words. Owns nothing but the DOM; wall.js feeds it. A dead server therefore ages the wall too. */
(function () {
  "use strict";
  if (!document.body.classList.contains("wall")) return;

  const AGES = ["live", "ageing", "stale", "dead"];
  const STALE_AT = 2,
    DEAD_AT = 5; // times the promised age: past 1 ageing, past 2 stale, past 5 struck through
  const LIVE_LATE_S = 60,
    LIVE_DEAD_S = 300;
  const ZONE = "Asia/Shanghai";
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: ZONE,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  const $ = (id) => document.getElementById(id);
  let oldest = null;

  function setText(node, text) {
    if (node && node.textContent !== text) node.textContent = text;
  }

  /* A moment (ms) on the wall clock of Hangzhou: {day: "2026-11-23", short: "11-23", time: "14:06:33", minute: "14:06"}. */
  function local(ms) {
    const p = {};
    for (const { type, value } of parts.formatToParts(ms)) p[type] = value;
    return {
      day: `${p.year}-${p.month}-${p.day}`,
      short: `${p.month}-${p.day}`,
      time: `${p.hour}:${p.minute}:${p.second}`,
      minute: `${p.hour}:${p.minute}`,
    };
  }

  function duration(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) return `${s} 秒`;
    if (s < 3600) return `${Math.floor(s / 60)} 分钟`;
    if (s < 86400) return `${Math.floor(s / 3600)} 小时`;
    return `${Math.floor(s / 86400)} 天`;
  }

  function moment(ms, now) {
    const then = local(ms);
    return then.day === local(now).day ? then.minute : `${then.short} ${then.minute}`;
  }

  /* Puts a scene's slots in: those of another scene go, those that stay keep their nodes, and only HTML that differs is set. */
  const shown = new WeakMap();
  function apply(scene) {
    put(document.querySelector("main"), scene.slots);
    put($("cards"), scene.cards);
    fill($("needs"), scene.needs);
    fill($("fine"), scene.fine);
    setText($("scene-label"), scene.label);
    setText($("scene-question"), scene.question);
    if (last) counts(last);
  }

  function put(host, slots) {
    const there = new Map([...host.querySelectorAll(":scope > [data-slot]")].map((node) => [node.dataset.slot, node]));
    for (const slot of slots) {
      const node = there.get(slot.id) || document.createElement("section");
      if (!there.delete(slot.id)) {
        node.className = `slot k-${slot.kind}`;
        node.dataset.slot = slot.id;
      }
      if (slot.area) node.dataset.area = slot.area; // the same tile may stand elsewhere in another scene
      fill(node, slot.html);
      host.appendChild(node);
    }
    for (const node of there.values()) node.remove();
  }

  function fill(node, html) {
    if (shown.get(node) === html) return;
    node.innerHTML = html;
    shown.set(node, html);
  }

  /* The small print that belongs to the generation, whatever the scene. */
  function print(all) {
    $("demo").hidden = !all.demo;
    setText($("print-built"), all.built);
  }

  /* Dots of the rotation with the seconds left, and what holds the scene. */
  function turn(now) {
    const words = { rotate: "", hold: "保持", urgent: "报警" }[now.mode];
    const dots = Array.from({ length: now.count }, (_, i) => (i === now.index ? "●" : "○")).join(" ");
    const left = now.secondsLeft === null ? "" : `${now.secondsLeft} 秒`;
    setText($("turn"), [dots, words, left].filter(Boolean).join("  "));
  }

  /* An alarm that interrupts: what, where, since when, and how it ends. */
  function urgent(found, now) {
    const bar = $("urgent");
    bar.hidden = !found;
    $("needs").hidden = Boolean(found);
    if (!found) return;
    const told = found.alarms
      .slice(0, 2)
      .map((a) => `${local(Date.parse(a.raised_at)).time} ${a.plate} ${a.kind}（${a.level} 级）${a.town}`);
    const more = found.alarms.length > 2 ? ` 等 ${found.alarms.length} 起` : "";
    const left = Math.max(0, Math.ceil((Date.parse(found.until) - now) / 1000));
    setText(bar, `紧急报警 · ${told.join(" · ")}${more} · 手机遥控页可确认 · ${left} 秒后恢复轮播`);
  }

  function highlight(metric) {
    for (const node of document.querySelectorAll(".is-lit"))
      if (node.dataset.metric !== metric) node.classList.remove("is-lit");
    if (metric)
      for (const node of document.querySelectorAll(`[data-metric="${CSS.escape(metric)}"]`))
        node.classList.add("is-lit");
  }

  let last = null;
  function counts(live) {
    last = live;
    const known = live.as_of !== null; // without one position "0 辆" would be a lie
    for (const node of document.querySelectorAll("[data-live]")) {
      setText(node, (known ? live.counts[node.dataset.live] : null) ?? "—");
    }
  }

  /* ---- ageing ---- */
  function age(now) {
    oldest = null;
    for (const node of document.querySelectorAll("[data-asof]")) {
      const at = Date.parse(node.dataset.asof),
        promise = Number(node.dataset.staleAfter) * 1000;
      const ratio = promise > 0 ? (now - at) / promise : 0;
      const state = AGES[ratio > DEAD_AT ? 3 : ratio > STALE_AT ? 2 : ratio > 1 ? 1 : 0];
      if (node.dataset.age !== state) node.dataset.age = state;
      const note = node.querySelector(".age-note");
      setText(note, state === "live" ? "" : `截至 ${moment(at, now)} · 延迟 ${duration((now - at) / 1000)}`);
      const figure = node.dataset.metric || node.classList.contains("total");
      if (figure && node.offsetParent && (!oldest || ratio > oldest.ratio)) oldest = { at, ratio };
    }
    const head = $("oldest");
    if (!oldest) {
      setText(head, "数据截至 —");
      return;
    }
    const late = oldest.ratio > 1;
    setText(
      head,
      `数据截至 ${moment(oldest.at, now)}` + (late ? ` · 已延迟 ${duration((now - oldest.at) / 1000)}` : " · 按时"),
    );
    head.dataset.age = late ? (oldest.ratio > STALE_AT ? "stale" : "ageing") : "live";
  }

  function liveAge(now, asOf) {
    const node = $("live-age"),
      note = $("map-note");
    if (!asOf) {
      setText(node, "没有定位");
      node.dataset.age = "stale";
      return false;
    }
    const seconds = (now - Date.parse(asOf)) / 1000;
    setText(node, `定位 ${seconds < 1 ? "刚刚" : duration(seconds) + "前"}`);
    node.dataset.age = seconds > LIVE_DEAD_S ? "stale" : seconds > LIVE_LATE_S ? "ageing" : "live";
    const dead = seconds > LIVE_DEAD_S;
    note.hidden = !dead;
    if (dead) setText(note, `定位停在 ${moment(Date.parse(asOf), now)}，已 ${duration(seconds)}未更新`);
    for (const box of document.querySelectorAll(".live-counts")) box.dataset.age = dead ? "stale" : "live";
    return dead;
  }

  function clock(now) {
    const here = local(now);
    setText($("date"), here.day);
    setText($("time"), here.time);
  }

  window.WallSlots = { apply, print, turn, urgent, highlight, counts, age, liveAge, clock, local, duration, setText };
})();
