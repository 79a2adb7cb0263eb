/* The wall's heart: scales the stage, asks the server for its version without ever overlapping, redraws only what
   changed, and says 连接中断 when the server is silent. It keeps the last good picture whatever happens. */
(function () {
  "use strict";
  if (!document.body.classList.contains("wall")) return;

  const LAYOUTS = { hd: [1920, 1080], wide: [3840, 1080], ultra: [5760, 1080] };
  const POLL_MS = 5000, FETCH_MS = 8000, CUT_AFTER_MS = 20000, HEARTBEAT_MS = 30000;
  const RETRY_MS = 1500, RETRY_MAX_MS = 15000, JITTER = 0.4;
  const REFUSED_MS = 30000;
  const IDLE_MS = 20000, RELOAD_AGAIN_MS = 600000;
  const NIGHT_HOUR = 4, NIGHT_SPREAD_MIN = 50, DAY_MS = 86400000;

  const { WallMap: map, WallSlots: slots } = window;
  const body = document.body, base = body.dataset.base, stage = document.getElementById("stage");
  const state = {
    offset: 0, lastOk: performance.now(), failures: 0, refused: false, errors: 0, touchedAt: -IDLE_MS, bornAt: performance.now(),
    build: body.dataset.build, generation: body.dataset.generation, day: body.dataset.day,
    live: null, liveAsOf: null, outlined: false, layout: "",
  };
  const serverNow = () => Date.now() + state.offset;

  /* ---- stage ---- */
  function layoutFor(w, h) {
    const gap = ([name, [lw, lh]]) => Math.abs(Math.log(w / h / (lw / lh)));
    return Object.entries(LAYOUTS).sort((a, b) => gap(a) - gap(b))[0][0];
  }

  function arrange() {
    const w = window.innerWidth, h = window.innerHeight, name = layoutFor(w, h), [sw, sh] = LAYOUTS[name];
    const k = Math.min(w / sw, h / sh);
    if (state.layout !== name) {
      state.layout = name;
      stage.dataset.layout = name;
      settle(name);
    }
    stage.style.transform = `translate(${(w - sw * k) / 2}px, ${(h - sh * k) / 2}px) scale(${k})`;
    map.resize(k);
  }

  /* The alarms and the towns lie on the map of a 16:9 wall and have columns of their own on a wide one. */
  function settle(name) {
    for (const [kind, which] of [["alarms", '[data-slot="alarms"]'], ["towns", '[data-home="towns"] > [data-slot], #map > [data-slot^="towns-"]']]) {
      const panel = document.querySelector(which);
      const home = name === "hd" ? document.getElementById("map") : document.querySelector(`[data-home="${kind}"]`);
      if (panel && home && panel.parentNode !== home) home.appendChild(panel);
    }
  }

  /* ---- talking to the server ---- */
  async function ask(path, options) {
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), FETCH_MS);
    try {
      const answer = await fetch(base + path, {
        ...options, cache: "no-store", credentials: "same-origin", redirect: "error", signal: stop.signal,
        headers: { "X-Requested-With": "wall", ...(options && options.headers) },
      });
      if (answer.status === 401 || answer.status === 403) state.refused = true;
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      return answer.status === 204 ? null : await answer.json();
    } finally {
      clearTimeout(timer);
    }
  }

  async function round() {
    const sent = Date.now();
    const version = await ask("/version");
    state.offset = Date.parse(version.server_time) - (sent + Date.now()) / 2;
    state.lastOk = performance.now();
    state.refused = false;
    if (version.build !== state.build && reloadFor(version.build)) return;
    if (version.generation && (version.generation !== state.generation || version.day !== state.day)) await redraw(version);
    if (!state.outlined) { map.outline(await ask("/outlines")); state.outlined = true; }
    if (version.live !== null && version.live !== state.live) await move();
    if (version.live === null) { state.live = null; state.liveAsOf = null; }
  }

  async function redraw(version) {
    if (!state.generation) { location.reload(); return; }    // the first data ever: the page has no slots for it yet
    const scene = await ask(`/scene?scene=${encodeURIComponent(body.dataset.scene)}`);
    if (!scene.generation) return;
    slots.apply(scene);
    state.generation = scene.generation;
    state.day = version.day;
  }

  async function move() {
    const live = await ask("/live");
    if (live.version === null) return;
    map.show(live, performance.now());
    slots.counts(live);
    state.live = live.version;
    state.liveAsOf = live.as_of;
  }

  /* One round after the other, never two at once; a failure waits longer each time, with jitter so that a row of
     screens does not return in one beat. */
  async function poll() {
    let wait = POLL_MS;
    try {
      await round();
      state.failures = 0;
    } catch (error) {
      state.failures += 1;
      wait = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(state.failures - 1, 6));
      wait *= 1 - JITTER / 2 + JITTER * Math.random();
      if (state.refused) wait = REFUSED_MS;
    }
    show();
    setTimeout(poll, wait);
  }

  /* ---- reload: never while somebody touches it, never in a circle, never without a server that answers ---- */
  const quiet = () => performance.now() - state.touchedAt > IDLE_MS;

  function reloadFor(build) {
    if (!quiet()) return false;
    try {
      const [done, at] = (sessionStorage.getItem("wall-reload") || "").split("@");
      if (done === build && Date.now() - Number(at) < RELOAD_AGAIN_MS) return false;
      sessionStorage.setItem("wall-reload", `${build}@${Date.now()}`);
    } catch (error) {
      return false;                                           // without a memory a circle could not be told
    }
    location.reload();
    return true;
  }

  const nightMinute = Math.floor(Math.random() * NIGHT_SPREAD_MIN);
  function nightly(now) {
    const here = slots.local(now).time.split(":").map(Number);
    const due = here[0] === NIGHT_HOUR && here[1] === nightMinute && performance.now() - state.bornAt > DAY_MS / 2;
    if (due && state.failures === 0 && quiet()) location.reload();
  }

  /* ---- what the people in the room are told ---- */
  function show() {
    const now = serverNow(), silent = performance.now() - state.lastOk;
    const cut = silent > CUT_AFTER_MS || state.refused;
    slots.clock(now);
    slots.age(now);
    const dead = slots.liveAge(now, state.liveAsOf);
    const bar = document.getElementById("cut");
    body.classList.toggle("is-cut", cut);
    map.dim(cut || dead);
    bar.hidden = !cut;
    if (cut) {
      const since = slots.local(now - silent).time;
      slots.setText(bar, state.refused
        ? "本屏授权已失效 · 画面停在最后一次更新 · 请联系系统管理员"
        : `连接中断 · 最后连通 ${since} · 已中断 ${slots.duration(silent / 1000)} · 画面为最后一次数据,正在自动重连`);
    }
  }

  function beat() {
    const { fps, level } = map.stats();
    const said = {
      width: window.innerWidth, height: window.innerHeight, ratio: window.devicePixelRatio, fps, level,
      heap: performance.memory ? performance.memory.usedJSHeapSize : null, errors: state.errors, scene: body.dataset.scene,
      build: state.build, generation: state.generation, layout: state.layout, live_version: state.live,
    };
    const options = { method: "POST", body: JSON.stringify(said), headers: { "Content-Type": "application/json" } };
    ask("/heartbeat", options).catch(() => {}).finally(() => setTimeout(beat, HEARTBEAT_MS));
  }

  window.addEventListener("resize", arrange);
  window.addEventListener("error", () => { state.errors += 1; });
  window.addEventListener("unhandledrejection", () => { state.errors += 1; });
  for (const kind of ["pointermove", "keydown"]) {
    window.addEventListener(kind, () => { state.touchedAt = performance.now(); }, { passive: true });
  }
  arrange();
  show();
  setInterval(() => { show(); nightly(serverNow()); }, 1000);
  setTimeout(beat, POLL_MS);
  poll();
  if (document.fonts && document.fonts.ready) document.fonts.ready.then(arrange);
  window.Wall = { state, arrange };
})();
