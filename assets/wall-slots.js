/* The words and numbers of the wall: puts new HTML into the slots that changed, ages every number by the server's
   clock, and says so in words. Owns nothing but the DOM; wall.js feeds it. A dead server therefore ages the wall too. */
(function () {
  "use strict";
  if (!document.body.classList.contains("wall")) return;

  const AGES = ["live", "ageing", "stale", "dead"];
  const STALE_AT = 2, DEAD_AT = 5;        // times the promised age: past 1 ageing, past 2 stale, past 5 struck through
  const LIVE_LATE_S = 60, LIVE_DEAD_S = 300;
  const ZONE = "Asia/Shanghai";
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    second: "2-digit", hourCycle: "h23",
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
    return { day: `${p.year}-${p.month}-${p.day}`, short: `${p.month}-${p.day}`,
      time: `${p.hour}:${p.minute}:${p.second}`, minute: `${p.hour}:${p.minute}` };
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

  /* Only a slot whose HTML differs is touched; the others keep their nodes. Returns how many changed. */
  const shown = new Map();
  function apply(scene) {
    let changed = 0;
    for (const slot of document.querySelectorAll("[data-slot]")) {
      const html = scene.slots[slot.dataset.slot];
      if (html === undefined || shown.get(slot.dataset.slot) === html) continue;
      slot.innerHTML = html;
      shown.set(slot.dataset.slot, html);
      changed += 1;
    }
    $("demo").hidden = !scene.demo;
    setText($("print-generation"), scene.generation);
    setText($("print-built"), scene.built);
    document.body.dataset.generation = scene.generation;
    return changed;
  }

  function counts(live) {
    const known = live.as_of !== null;      // without one position "0 辆" would be a lie
    for (const node of document.querySelectorAll("[data-live]")) {
      setText(node, known ? live.counts[node.dataset.live] : "—");
    }
  }

  /* ---- ageing ---- */
  function age(now) {
    oldest = null;
    for (const node of document.querySelectorAll("[data-asof]")) {
      const at = Date.parse(node.dataset.asof), promise = Number(node.dataset.staleAfter) * 1000;
      const ratio = promise > 0 ? (now - at) / promise : 0;
      const state = AGES[ratio > DEAD_AT ? 3 : ratio > STALE_AT ? 2 : ratio > 1 ? 1 : 0];
      if (node.dataset.age !== state) node.dataset.age = state;
      const note = node.querySelector(".age-note");
      setText(note, state === "live" ? "" : `截至 ${moment(at, now)} · 延迟 ${duration((now - at) / 1000)}`);
      const figure = node.dataset.metric || node.classList.contains("total");
      if (figure && node.offsetParent && (!oldest || ratio > oldest.ratio)) oldest = { at, ratio };
    }
    const head = $("oldest");
    if (!oldest) { setText(head, "数据截至 —"); return; }
    const late = oldest.ratio > 1;
    setText(head, `数据截至 ${moment(oldest.at, now)}` + (late ? ` · 已延迟 ${duration((now - oldest.at) / 1000)}` : " · 按时"));
    head.dataset.age = late ? (oldest.ratio > STALE_AT ? "stale" : "ageing") : "live";
  }

  function liveAge(now, asOf) {
    const node = $("live-age"), note = $("map-note");
    if (!asOf) {
      setText(node, "定位 未上报");
      node.dataset.age = "stale";
      return false;
    }
    const seconds = (now - Date.parse(asOf)) / 1000;
    setText(node, `定位 ${seconds < 1 ? "刚刚" : duration(seconds) + "前"}`);
    node.dataset.age = seconds > LIVE_DEAD_S ? "stale" : seconds > LIVE_LATE_S ? "ageing" : "live";
    const dead = seconds > LIVE_DEAD_S;
    note.hidden = !dead;
    if (dead) setText(note, `定位停在 ${moment(Date.parse(asOf), now)},已 ${duration(seconds)}未更新`);
    $("live-counts").dataset.age = dead ? "stale" : "live";
    return dead;
  }

  function clock(now) {
    const here = local(now);
    setText($("date"), here.day);
    setText($("time"), here.time);
  }

  window.WallSlots = { apply, counts, age, liveAge, clock, local, duration, setText };
})();
