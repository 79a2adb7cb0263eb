/* The wall's heart: scales the stage, asks the server for its version without ever overlapping, turns the scenes as it is
   directed, redraws only what changed, and says 连接中断 when the server is silent. It keeps the last good picture
   whatever happens, and goes on turning the scenes it has. */
(function () {
  "use strict";
  if (!document.body.classList.contains("wall")) return;

  // ?speed=10 makes a screen live ten times as fast: a day's wear in an hour or two
  const SPEED = Math.min(20, Math.max(1, Number(new URLSearchParams(location.search).get("speed")) || 1));
  const POLL_MS = 2000 / SPEED,
    FETCH_MS = 8000,
    CUT_AFTER_MS = 20000,
    HEARTBEAT_MS = 30000 / SPEED,
    SOON_MS = 300;
  const RETRY_MS = 1500,
    RETRY_MAX_MS = 15000,
    JITTER = 0.4;
  const REFUSED_MS = 30000;
  const IDLE_MS = 20000,
    RELOAD_AGAIN_MS = 600000;
  const NIGHT_HOUR = 4,
    NIGHT_SPREAD_MIN = 50,
    DAY_MS = 86400000;
  const DRIFT_STEPS = 12,
    DRIFT_MS = 300000;
  const TICK_MS = 1000;

  const { WallMap: map, WallSlots: slots, WallDirection: direction } = window;
  const body = document.body,
    base = body.dataset.base,
    stage = document.getElementById("stage");
  const STAGES = JSON.parse(body.dataset.stages); // type → shape → [width, height]
  const state = {
    offset: 0,
    lastOk: performance.now(),
    failures: 0,
    refused: false,
    errors: 0,
    touchedAt: -IDLE_MS,
    bornAt: performance.now(),
    build: body.dataset.build,
    generation: body.dataset.generation,
    day: body.dataset.day,
    tickedAt: performance.now(),
    live: null,
    liveAsOf: null,
    outlined: false,
    layout: "",
    scene: stage.dataset.scene,
    scenes: null,
    seq: null,
    scale: 1,
    drift: 0,
    loaderSilent: null,
    alerts: [],
  };
  const serverNow = () => Date.now() + state.offset;

  /* ---- stage ---- */
  function layoutFor(stages, w, h) {
    const gap = ([, [lw, lh]]) => Math.abs(Math.log(w / h / (lw / lh)));
    return Object.entries(stages).sort((a, b) => gap(a) - gap(b))[0][0];
  }

  function arrange() {
    const w = window.innerWidth,
      h = window.innerHeight,
      stages = STAGES[stage.dataset.type],
      name = layoutFor(stages, w, h),
      [sw, sh] = stages[name];
    const k = Math.min(w / sw, h / sh);
    state.scale = k;
    state.layout = name;
    stage.dataset.layout = name;
    // a picture that stands for weeks burns in: the whole stage wanders by a few pixels, inside its own margin
    const turn = (2 * Math.PI * state.drift) / DRIFT_STEPS,
      far = Number(body.dataset.drift) || 0;
    const x = (w - sw * k) / 2 + far * k * Math.sin(turn),
      y = (h - sh * k) / 2 + far * k * Math.cos(turn);
    stage.style.transform = `translate(${x}px, ${y}px) scale(${k})`;
    map.resize(k);
  }

  /* ---- talking to the server ---- */
  async function ask(path, options) {
    const stop = new AbortController(),
      timer = setTimeout(() => stop.abort(), FETCH_MS);
    try {
      const answer = await fetch(base + path, {
        ...options,
        cache: "no-store",
        credentials: "same-origin",
        redirect: "error",
        signal: stop.signal,
        headers: { "X-Requested-With": "wall", ...options?.headers },
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
    if (version.build !== state.build) reloadFor(version.build);
    state.loaderSilent = version.loader_silent_s;
    state.alerts = version.alerts;
    if (version.type !== stage.dataset.type) {
      stage.dataset.type = version.type;
      arrange();
    }
    direction.update(version.direction);
    turn();
    if (version.generation && (!state.scenes || version.generation !== state.generation || version.day !== state.day))
      await renew(version);
    if (!state.outlined) {
      map.outline(await ask("/outlines"));
      state.outlined = true;
    }
    if (version.live !== null && version.live !== state.live) await move();
    if (version.live === null) {
      state.live = null;
      state.liveAsOf = null;
    }
  }

  /* All scenes of one generation come in one answer, and every tile of the scene on the glass changes in one frame. */
  async function renew(version) {
    const all = await ask("/scenes");
    if (!all.generation) return;
    state.scenes = all.scenes;
    state.generation = body.dataset.generation = all.generation;
    state.day = version.day;
    slots.print(all);
    present(state.scene);
  }

  async function move() {
    const live = await ask("/live");
    if (live.version === null) return;
    map.show(live, performance.now());
    slots.counts(live);
    state.live = live.version;
    state.liveAsOf = live.as_of;
  }

  /* ---- scenes ---- */
  function present(name) {
    const scene = state.scenes?.[name];
    if (!scene) return;
    const changes = state.scene !== name;
    state.scene = stage.dataset.scene = name;
    slots.apply(scene);
    map.scene(scene.map);
    if (changes) {
      stage.classList.remove("is-turning");
      void stage.offsetWidth; // starts the fade again
      stage.classList.add("is-turning");
    }
    map.resize(state.scale);
    slots.age(serverNow());
  }

  function turn() {
    const now = direction.at(serverNow());
    if (now.scene && now.scene !== state.scene && state.scenes) present(now.scene);
    if (now.scene && !state.scenes) state.scene = state.scene || now.scene;
    if (now.seq !== state.seq) {
      state.seq = now.seq;
      beatSoon(SOON_MS);
    } // who steered is told at once that it arrived
    slots.turn(now);
    slots.urgent(now.urgent, serverNow());
    slots.highlight(now.highlight);
  }

  /* One round after the other, never two at once; a failure waits longer each time, with jitter so that a row of
     screens does not return in one beat. */
  async function poll() {
    let wait = POLL_MS;
    try {
      await round();
      state.failures = 0;
    } catch (_error) {
      state.failures += 1;
      wait = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(state.failures - 1, 6));
      wait *= 1 - JITTER / 2 + JITTER * Math.random();
      if (state.refused) wait = REFUSED_MS;
    }
    state.polledAt = performance.now();
    show();
    state.poll = setTimeout(poll, wait);
  }

  /* ---- reload: never while somebody touches it, never in a circle, never without a server that answers ---- */
  const quiet = () => performance.now() - state.touchedAt > IDLE_MS;

  function reloadFor(build) {
    if (!quiet()) return;
    try {
      const [done, at] = (sessionStorage.getItem("wall-reload") || "").split("@");
      if (done === build && Date.now() - Number(at) < RELOAD_AGAIN_MS) return;
    } catch (_error) {
      return; // without a memory a circle could not be told
    }
    window.leave("", () => sessionStorage.setItem("wall-reload", `${build}@${Date.now()}`));
  }

  const nightMinute = Math.floor(Math.random() * NIGHT_SPREAD_MIN);
  function nightly(now) {
    const here = slots.local(now).time.split(":").map(Number);
    const due = here[0] === NIGHT_HOUR && here[1] === nightMinute && performance.now() - state.bornAt > DAY_MS / 2;
    if (due && state.failures === 0 && quiet()) window.leave();
  }

  function dim(now) {
    const [from, to] = (body.dataset.dim || "").split("-").map(Number);
    if (!(from >= 0) || !(to >= 0)) return;
    const hour = Number(slots.local(now).time.slice(0, 2));
    body.classList.toggle("is-night", from > to ? hour >= from || hour < to : hour >= from && hour < to);
  }

  /* ---- what the people in the room are told ---- */
  function show() {
    const now = serverNow(),
      silent = performance.now() - state.lastOk;
    const cut = silent > CUT_AFTER_MS || state.refused;
    slots.clock(now);
    slots.age(now);
    const dead = slots.liveAge(now, state.liveAsOf);
    const bar = document.getElementById("cut");
    body.classList.toggle("is-cut", cut);
    map.dim(cut || dead);
    const words = cut ? ofTheLine(now, silent) : ofTheService();
    bar.hidden = !words;
    if (words) slots.setText(bar, words);
  }

  function ofTheLine(now, silent) {
    if (state.refused) return "本屏授权已失效 · 画面停在最后一次更新 · 请联系系统管理员";
    const since = slots.local(now - silent).time;
    return `连接中断 · 最后连通 ${since} · 已中断 ${slots.duration(silent / 1000)} · 画面为最后一次数据，正在自动重连`;
  }

  function ofTheService() {
    if (state.loaderSilent !== null)
      return `装载停止 · 已 ${slots.duration(state.loaderSilent)}没有新数据 · 数字停在最近一次发布`;
    return state.alerts.length ? `告警 · ${state.alerts.join(" ； ")}` : "";
  }

  function tick() {
    const now = serverNow(),
      drift = Math.floor(now / DRIFT_MS) % DRIFT_STEPS;
    state.tickedAt = performance.now();
    turn();
    show();
    dim(now);
    nightly(now);
    if (drift !== state.drift) {
      state.drift = drift;
      arrange();
    }
    // the chain of polls may break only by a fault of ours; then it is taken up again instead of waiting for a person
    if (performance.now() - (state.polledAt || state.bornAt) > 4 * (FETCH_MS + REFUSED_MS)) {
      clearTimeout(state.poll);
      state.errors += 1;
      poll();
    }
  }

  function beat() {
    const { fps, level } = map.stats();
    const said = {
      width: window.innerWidth,
      height: window.innerHeight,
      ratio: window.devicePixelRatio,
      fps: fps || null,
      level,
      heap: performance.memory ? performance.memory.usedJSHeapSize : null,
      errors: state.errors,
      scene: state.scene,
      seq: state.seq,
      build: state.build,
      generation: state.generation,
      layout: state.layout,
      live_version: state.live,
    };
    const options = { method: "POST", body: JSON.stringify(said), headers: { "Content-Type": "application/json" } };
    ask("/heartbeat", options)
      .catch(() => {})
      .finally(() => beatSoon(HEARTBEAT_MS));
  }

  // somebody who only looks at a wall in a browser does not report as that screen
  function beatSoon(wait) {
    if (!body.dataset.speaks) return;
    clearTimeout(state.beat);
    state.beat = setTimeout(beat, wait);
  }

  window.addEventListener("resize", arrange);
  window.addEventListener("error", () => {
    state.errors += 1;
  });
  window.addEventListener("unhandledrejection", () => {
    state.errors += 1;
  });
  for (const kind of ["pointermove", "keydown"]) {
    window.addEventListener(
      kind,
      () => {
        state.touchedAt = performance.now();
      },
      { passive: true },
    );
  }
  arrange();
  show();
  setInterval(tick, TICK_MS);
  beatSoon(POLL_MS);
  poll();
  if (document.fonts?.ready) document.fonts.ready.then(arrange);
  window.Wall = { state, arrange, present };
})();
