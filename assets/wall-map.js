/* The live map of the wall: outlines, vehicles and town names on two 2D canvases. Owns drawing and movement; it asks
   nobody anything (wall.js hands it outlines and live frames) and knows no plate: a vehicle is a number for a day. */
(function () {
  "use strict";
  if (!document.body.classList.contains("wall")) return;

  const RUNNING = 0, PARKED = 1, OFFLINE = 2, ALARM = 3;
  const FRAME_MS = 1000 / 30;             // the eye sees no more from eight metres, the heat does
  const SNAP_KM = 2;                      // a jump farther than this is a new position, not a drive
  const KM_PER_DEGREE = 111.32;
  const GLIDE_MIN_MS = 3000, GLIDE_MAX_MS = 60000;
  const PULSE_MS = 1600;
  const DIM = 0.55;                       // old positions stay legible, but look old
  const SLOW_FPS = 24, GOOD_FPS = 28.5, JUDGE_MS = 4000, CALM_JUDGES = 8;
  const LEVELS = [                        // what is given up, in this order, when a screen is too slow
    { every: 1, tails: true, rings: true, sharp: true },
    { every: 1, tails: false, rings: true, sharp: true },
    { every: 1, tails: false, rings: true, sharp: false },
    { every: 2, tails: false, rings: false, sharp: false },
    { every: 6, tails: false, rings: false, sharp: false },
  ];

  const host = document.getElementById("map");
  const base = document.getElementById("map-base"), moving = document.getElementById("map-moving");
  const labels = document.getElementById("map-labels");
  const under = base.getContext("2d"), over = moving.getContext("2d");
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  let outlines = null, view = null, scale = 1, tones = {};
  let fleet = null;                       // parallel typed arrays of the newest frame
  let level = 0, calm = 0, tick = 0, drawn = 0, lastDraw = 0, judgedAt = 0, judgedFrames = 0, fps = 0, dimmed = false;

  function readTones() {
    tones = {
      land: css("--map-land"), edge: css("--map-edge"), out: css("--map-out"), town: css("--line-2"),
      state: [css("--state-running"), css("--state-parked"), css("--state-offline"), css("--state-alarm")],
    };
  }

  /* ---- place on earth → place on the panel ---- */
  function fit() {
    const style = getComputedStyle(host);
    const inset = (side) => parseFloat(style.getPropertyValue("--fit-" + side)) || 24;
    const w = host.clientWidth, h = host.clientHeight;
    const ours = outlines.districts.filter((d) => d.ours);
    let west = 180, east = -180, south = 90, north = -90;
    for (const d of ours) for (const ring of d.rings) for (const [x, y] of ring) {
      west = Math.min(west, x); east = Math.max(east, x); south = Math.min(south, y); north = Math.max(north, y);
    }
    const squeeze = Math.cos(((south + north) / 2) * Math.PI / 180);
    const roomW = w - inset("left") - inset("right"), roomH = h - inset("top") - inset("bottom");
    const k = Math.min(roomW / ((east - west) * squeeze), roomH / (north - south));
    const left = inset("left") + (roomW - (east - west) * squeeze * k) / 2;
    const top = inset("top") + (roomH - (north - south) * k) / 2;
    view = { w, h, k, squeeze, west, north, left, top,
      x: (lon) => left + (lon - west) * squeeze * k, y: (lat) => top + (north - lat) * k };
  }

  function size(canvas, context, ratio) {
    const w = Math.round(view.w * ratio), h = Math.round(view.h * ratio);
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  function resize(stageScale) {
    scale = stageScale || scale;
    if (!outlines || !host.clientWidth) return;
    readTones();
    fit();
    const ratio = Math.max(1, Math.min(3, scale * (window.devicePixelRatio || 1)));
    size(base, under, ratio);
    size(moving, over, LEVELS[level].sharp ? ratio : 1);
    if (fleet) project();
    drawBase();
    drawLabels();
  }

  /* ---- what stands still ---- */
  function trace(context, rings) {
    context.beginPath();
    for (const ring of rings) {
      ring.forEach(([x, y], i) => (i ? context.lineTo(view.x(x), view.y(y)) : context.moveTo(view.x(x), view.y(y))));
      context.closePath();
    }
  }

  function drawBase() {
    under.clearRect(0, 0, view.w, view.h);
    under.lineJoin = "round";
    under.strokeStyle = tones.out; under.lineWidth = 1.2;
    for (const d of outlines.districts) if (!d.ours) { trace(under, d.rings); under.stroke(); }
    const ours = outlines.districts.filter((d) => d.ours);
    under.save();
    under.shadowColor = tones.edge; under.shadowBlur = 22 * scale; under.fillStyle = tones.land;
    for (const d of ours) { trace(under, d.rings); under.fill(); }
    under.restore();
    under.strokeStyle = tones.town; under.lineWidth = 1.1;
    for (const t of outlines.towns) { trace(under, t.rings); under.stroke(); }
    under.strokeStyle = tones.edge; under.lineWidth = 2.4;
    for (const d of ours) { trace(under, d.rings); under.stroke(); }
    drawResting();
  }

  /* Offline and parked vehicles hold their place between frames of positions: they are painted once a frame of
     positions, not thirty times a second. */
  function drawResting() {
    if (!fleet) return;
    const paint = (state, half, alpha) => {
      under.globalAlpha = dimmed ? alpha * DIM : alpha;
      under.fillStyle = tones.state[state];
      for (let i = 0; i < fleet.n; i++) if (fleet.state[i] === state) {
        under.fillRect(fleet.toX[i] - half, fleet.toY[i] - half, half * 2, half * 2);
      }
    };
    paint(OFFLINE, 1.1, 0.55);
    paint(PARKED, 1.35, 0.8);
    under.globalAlpha = 1;
  }

  /* Town names keep clear of each other: the largest town sits on its best point, the others step aside. */
  function drawLabels() {
    labels.textContent = "";
    const taken = [];
    const clash = (b) => taken.some((t) => b.x < t.x + t.w && t.x < b.x + b.w && b.y < t.y + t.h && t.y < b.y + b.h);
    const place = (item, kind, steps) => {
      const tag = document.createElement("span");
      tag.className = kind;
      tag.textContent = item.name.replace(/(街道|镇)$/, kind === "town" ? "" : "$1");
      labels.appendChild(tag);
      const w = tag.offsetWidth + 6, h = tag.offsetHeight;
      for (const [dx, dy] of steps) {
        const box = { x: view.x(item.at[0]) - w / 2 + dx * w, y: view.y(item.at[1]) - h / 2 + dy * h, w, h };
        const inside = box.x > 4 && box.y > 4 && box.x + w < view.w - 4 && box.y + h < view.h - 4;
        if (inside && !clash(box)) {
          taken.push(box);
          tag.style.left = box.x + 3 + "px";
          tag.style.top = box.y + "px";
          return;
        }
      }
      tag.remove();
    };
    for (const panel of host.querySelectorAll(".alarms, .panel")) {
      if (panel.offsetParent) {
        taken.push({ x: panel.offsetLeft, y: panel.offsetTop, w: panel.offsetWidth, h: panel.offsetHeight });
      }
    }
    const around = [[0, 0], [0, -1], [0, 1], [0.7, 0], [-0.7, 0], [0.6, 1], [-0.6, -1], [0, -2], [0, 2]];
    [...outlines.towns].sort((a, b) => b.area - a.area).forEach((t) => place(t, "town", around));
    outlines.districts.filter((d) => !d.ours).forEach((d) => place(d, "outside", [[0, 0]]));
  }

  /* ---- what moves ---- */
  function show(live, now) {
    const n = live.ref.length;
    const next = {
      n, lon: new Float32Array(n), lat: new Float32Array(n), state: new Uint8Array(n), heading: new Float32Array(n),
      fromX: new Float32Array(n), fromY: new Float32Array(n), toX: new Float32Array(n), toY: new Float32Array(n),
      index: new Map(), startedAt: now, glide: glideFor(now), movers: null, alarms: null,
    };
    for (let i = 0; i < n; i++) {
      next.lon[i] = live.lon[i] / live.grid; next.lat[i] = live.lat[i] / live.grid;
      next.state[i] = live.state.charCodeAt(i) - 48;
      next.heading[i] = (live.heading[i] * Math.PI) / 180;
      next.index.set(live.ref[i], i);
    }
    const before = fleet;
    fleet = next;
    if (!view) return;
    const share = before ? progress(before, now) : 1;
    project();
    if (before) for (const [ref, j] of before.index) {
      const i = next.index.get(ref);
      if (i === undefined || far(before, j, next, i)) continue;
      next.fromX[i] = before.fromX[j] + (before.toX[j] - before.fromX[j]) * share;
      next.fromY[i] = before.fromY[j] + (before.toY[j] - before.fromY[j]) * share;
    }
    sortOut();
    drawBase();
  }

  const glideFor = (now) =>
    Math.max(GLIDE_MIN_MS, Math.min(GLIDE_MAX_MS, fleet ? now - fleet.startedAt : GLIDE_MIN_MS));

  const progress = (f, now) => Math.min(1, Math.max(0, (now - f.startedAt) / f.glide));

  function far(a, j, b, i) {
    const dx = (a.lon[j] - b.lon[i]) * view.squeeze, dy = a.lat[j] - b.lat[i];
    return Math.hypot(dx, dy) * KM_PER_DEGREE > SNAP_KM;
  }

  /* Places of the newest frame on the panel; a moving start is set by show(), here everything starts where it ends. */
  function project() {
    for (let i = 0; i < fleet.n; i++) {
      fleet.fromX[i] = fleet.toX[i] = view.x(fleet.lon[i]);
      fleet.fromY[i] = fleet.toY[i] = view.y(fleet.lat[i]);
    }
    sortOut();
  }

  function sortOut() {
    const of = (state) => Uint32Array.from(fleet.state.keys()).filter((i) => fleet.state[i] === state);
    fleet.movers = of(RUNNING); fleet.alarms = of(ALARM);
  }

  function drawMoving(now) {
    const how = LEVELS[level], share = progress(fleet, now);
    over.clearRect(0, 0, view.w, view.h);
    over.globalAlpha = dimmed ? DIM : 1;
    const x = (i) => fleet.fromX[i] + (fleet.toX[i] - fleet.fromX[i]) * share;
    const y = (i) => fleet.fromY[i] + (fleet.toY[i] - fleet.fromY[i]) * share;
    if (how.tails) {
      over.beginPath();
      for (const i of fleet.movers) {
        const px = x(i), py = y(i);
        over.moveTo(px, py);
        over.lineTo(px - Math.sin(fleet.heading[i]) * 6, py + Math.cos(fleet.heading[i]) * 6);
      }
      over.strokeStyle = tones.state[RUNNING]; over.lineWidth = 1; over.globalAlpha *= 0.45; over.stroke();
      over.globalAlpha = dimmed ? DIM : 1;
    }
    over.fillStyle = tones.state[RUNNING];
    for (const i of fleet.movers) over.fillRect(x(i) - 1.5, y(i) - 1.5, 3, 3);
    drawAlarms(now, x, y, how.rings);
  }

  function drawAlarms(now, x, y, rings) {
    const phase = (now % PULSE_MS) / PULSE_MS, TURN = Math.PI * 2;
    if (rings) {
      over.beginPath();
      for (const i of fleet.alarms) {
        const r = 5 + phase * 11;
        over.moveTo(x(i) + r, y(i));
        over.arc(x(i), y(i), r, 0, TURN);
      }
      over.strokeStyle = tones.state[ALARM]; over.lineWidth = 2;
      const kept = over.globalAlpha;
      over.globalAlpha = kept * (1 - phase); over.stroke(); over.globalAlpha = kept;
    }
    over.fillStyle = tones.state[ALARM];
    over.beginPath();
    for (const i of fleet.alarms) { over.moveTo(x(i) + 4.5, y(i)); over.arc(x(i), y(i), 4.5, 0, TURN); }
    over.fill();
  }

  /* ---- the loop, and its manners on a slow screen ---- */
  function loop(now) {
    requestAnimationFrame(loop);
    if (!fleet || !view || now - lastDraw < FRAME_MS - 4) return;
    lastDraw = now;
    tick += 1;
    if (tick % LEVELS[level].every === 0) { drawMoving(now); drawn += 1; }
    judge(now);
  }

  function judge(now) {
    if (!judgedAt) { judgedAt = now; judgedFrames = tick; drawn = 0; return; }
    const span = now - judgedAt;
    if (span < JUDGE_MS) return;
    const rate = ((tick - judgedFrames) * 1000) / span;   // what the screen could do; fps is what it was asked to
    fps = (drawn * 1000) / span;
    judgedAt = now; judgedFrames = tick; drawn = 0;
    if (span > JUDGE_MS * 3) return;                       // the page slept: says nothing about the screen
    calm = rate >= GOOD_FPS ? calm + 1 : 0;
    if (rate < SLOW_FPS && level < LEVELS.length - 1) setLevel(level + 1);
    else if (level > 0 && calm >= CALM_JUDGES * level) setLevel(level - 1);
  }

  function setLevel(to) {
    level = to; calm = 0;
    if (view) resize();
  }

  for (const canvas of [base, moving]) canvas.addEventListener("contextrestored", () => resize());
  requestAnimationFrame(loop);

  window.WallMap = {
    outline(shapes) { outlines = shapes; resize(); },
    show,
    resize,
    dim(on) { if (on !== dimmed) { dimmed = on; if (view) drawBase(); } },
    stats: () => ({ fps: Math.round(fps * 10) / 10, level, vehicles: fleet ? fleet.n : 0 }),
    where: (ref) => {
      const i = fleet && view ? fleet.index.get(ref) : undefined;
      if (i === undefined) return null;
      const share = progress(fleet, performance.now());
      return [fleet.fromX[i] + (fleet.toX[i] - fleet.fromX[i]) * share,
        fleet.fromY[i] + (fleet.toY[i] - fleet.fromY[i]) * share];
    },
  };
})();
