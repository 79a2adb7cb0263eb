/* The live map of the wall: outlines, vehicles and town names on two 2D canvases. Owns drawing and movement; it asks
   nobody anything (wall.js hands it outlines and live frames) and knows no plate: a vehicle is a number for a day. */
(function () {
  "use strict";
  if (!document.body.classList.contains("wall")) return;

  const RUNNING = 0,
    PARKED = 1,
    OFFLINE = 2,
    ALARM = 3;
  const STEP_PX = 0.35; // a dot is drawn again when it has moved so far: less cannot be seen
  const FRAME_MS = 1000 / 30,
    LAZY_MS = 1000,
    PULSE_FRAME_MS = 125;
  const PROBE_EVERY_MS = 60000,
    PROBE_MS = 1500;
  const BAND_HOURS = 3,
    BAND_MS = 3500;
  const SNAP_KM = 2; // a jump farther than this is a new position, not a drive
  const KM_PER_DEGREE = 111.32;
  const GLIDE_MIN_MS = 3000,
    GLIDE_MAX_MS = 60000;
  const PULSE_MS = 1600;
  const DIM = 0.55; // old positions stay legible, but look old
  const SLOW_FPS = 24,
    GOOD_FPS = 28.5,
    CALM_PROBES = 5;
  const LEVELS = [
    // what is given up, in this order, when a screen is too slow
    { step: STEP_PX, tails: true, rings: true, sharp: true },
    { step: STEP_PX, tails: false, rings: true, sharp: true },
    { step: STEP_PX, tails: false, rings: true, sharp: false },
    { step: 1, tails: false, rings: false, sharp: false },
    { step: 3, tails: false, rings: false, sharp: false },
  ];

  const host = document.getElementById("map");
  const base = document.getElementById("map-base"),
    moving = document.getElementById("map-moving"),
    pulse = document.getElementById("map-pulse");
  const labels = document.getElementById("map-labels");
  const under = base.getContext("2d"),
    over = moving.getContext("2d"),
    ring = pulse.getContext("2d");
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  let outlines = null,
    view = null,
    scale = 1,
    tones = {};
  let fleet = null; // parallel typed arrays of the newest frame
  let what = { mode: "" },
    bands = null,
    band = 0;
  let level = 0,
    calm = 0,
    fps = 0,
    dimmed = false,
    probing = null,
    probedAt = performance.now() - PROBE_EVERY_MS * 0.7,
    timer = 0,
    drawnAt = 0,
    drawnShare = 0,
    ringed = [];

  function readTones() {
    tones = {
      land: css("--map-land"),
      edge: css("--map-edge"),
      out: css("--map-out"),
      town: css("--line-2"),
      heat: css("--bad"),
      state: [css("--state-running"), css("--state-parked"), css("--state-offline"), css("--state-alarm")],
    };
  }

  /* ---- place on earth → place on the panel ---- */
  function fit() {
    const style = getComputedStyle(host);
    const inset = (side) => parseFloat(style.getPropertyValue("--fit-" + side)) || 24;
    const w = host.clientWidth,
      h = host.clientHeight;
    const ours = outlines.districts.filter((d) => d.ours);
    let west = 180,
      east = -180,
      south = 90,
      north = -90;
    for (const d of ours)
      for (const ring of d.rings)
        for (const [x, y] of ring) {
          west = Math.min(west, x);
          east = Math.max(east, x);
          south = Math.min(south, y);
          north = Math.max(north, y);
        }
    const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
    const roomW = w - inset("left") - inset("right"),
      roomH = h - inset("top") - inset("bottom");
    const k = Math.min(roomW / ((east - west) * squeeze), roomH / (north - south));
    const left = inset("left") + (roomW - (east - west) * squeeze * k) / 2;
    const top = inset("top") + (roomH - (north - south) * k) / 2;
    view = {
      w,
      h,
      k,
      squeeze,
      west,
      north,
      left,
      top,
      x: (lon) => left + (lon - west) * squeeze * k,
      y: (lat) => top + (north - lat) * k,
    };
  }

  function size(canvas, context, ratio) {
    const w = Math.round(view.w * ratio),
      h = Math.round(view.h * ratio);
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
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
    size(pulse, ring, LEVELS[level].sharp ? ratio : 1);
    ringed = [];
    if (fleet) project();
    drawnShare = 0;
    drawBase();
    drawLabels();
    wake();
  }

  /* ---- what stands still ---- */
  function trace(context, rings) {
    context.beginPath();
    for (const ring of rings) {
      ring.forEach(([x, y], i) => {
        if (i) context.lineTo(view.x(x), view.y(y));
        else context.moveTo(view.x(x), view.y(y));
      });
      context.closePath();
    }
  }

  function drawBase() {
    under.clearRect(0, 0, view.w, view.h);
    under.lineJoin = "round";
    under.strokeStyle = tones.out;
    under.lineWidth = 1.2;
    for (const d of outlines.districts)
      if (!d.ours) {
        trace(under, d.rings);
        under.stroke();
      }
    const ours = outlines.districts.filter((d) => d.ours);
    under.save();
    under.shadowColor = tones.edge;
    under.shadowBlur = 22 * scale;
    under.fillStyle = tones.land;
    for (const d of ours) {
      trace(under, d.rings);
      under.fill();
    }
    under.restore();
    under.strokeStyle = tones.town;
    under.lineWidth = 1.1;
    for (const t of outlines.towns) {
      trace(under, t.rings);
      under.stroke();
    }
    under.strokeStyle = tones.edge;
    under.lineWidth = 2.4;
    for (const d of ours) {
      trace(under, d.rings);
      under.stroke();
    }
    if (what.mode === "heat") drawHeat();
    else drawResting();
  }

  /* Alarms of four weeks by place, three hours of the day at a time: where to look at that hour. */
  function drawHeat() {
    if (!bands) return;
    const side = what.cell,
      most = bands.most || 1,
      w = side * view.squeeze * view.k,
      h = side * view.k;
    under.save();
    trace(
      under,
      outlines.districts.filter((d) => d.ours).flatMap((d) => d.rings),
    );
    under.clip();
    for (const [x, y, n] of bands.cells[band]) {
      const cx = view.x((x + 0.5) * side),
        cy = view.y((y + 0.5) * side),
        r = Math.max(w, h) * (1.6 + 1.4 * Math.sqrt(n / most));
      const glow = under.createRadialGradient(cx, cy, 0, cx, cy, r);
      glow.addColorStop(0, tones.heat);
      glow.addColorStop(1, "transparent");
      under.globalAlpha = (dimmed ? DIM : 1) * (0.4 + 0.6 * Math.sqrt(n / most));
      under.fillStyle = glow;
      under.fillRect(cx - r, cy - r, r * 2, r * 2);
    }
    under.restore();
    under.globalAlpha = 1;
  }

  function tellBand() {
    const note = document.getElementById("map-band");
    note.hidden = what.mode !== "heat";
    if (note.hidden) return;
    const text = bands?.total
      ? `${pad(band * BAND_HOURS)}–${pad(band * BAND_HOURS + BAND_HOURS)} 时 · 近 28 天 ${bands.counts[band].toLocaleString("en-US")} 起报警`
      : "近 28 天没有收到带位置的报警";
    if (note.textContent !== text) note.textContent = text;
  }

  const pad = (hour) => String(hour).padStart(2, "0");

  function gather(cells) {
    const made = { cells: [], counts: [], most: 0, total: 0 };
    for (let b = 0; b < 24 / BAND_HOURS; b++) {
      const sum = new Map();
      for (const [hour, x, y, n] of cells)
        if (Math.floor(hour / BAND_HOURS) === b)
          sum.set(`${x},${y}`, [x, y, (sum.get(`${x},${y}`) || [0, 0, 0])[2] + n]);
      made.cells.push([...sum.values()]);
      made.counts.push([...sum.values()].reduce((all, cell) => all + cell[2], 0));
      for (const cell of sum.values()) made.most = Math.max(made.most, cell[2]);
      made.total += made.counts[b];
    }
    return made;
  }

  /* Offline and parked vehicles hold their place between frames of positions: they are painted once a frame of
     positions, not thirty times a second. */
  function drawResting() {
    if (!fleet) return;
    const paint = (state, half, alpha) => {
      under.globalAlpha = dimmed ? alpha * DIM : alpha;
      under.fillStyle = tones.state[state];
      for (let i = 0; i < fleet.n; i++)
        if (fleet.state[i] === state) {
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
    const place = (item, kind, steps, fillIn) => {
      const tag = document.createElement("span");
      tag.className = kind;
      fillIn(tag);
      labels.appendChild(tag);
      const w = tag.offsetWidth + 6,
        h = tag.offsetHeight;
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
    const named = (item, kind) => (tag) => {
      tag.textContent = item.name.replace(/(街道|镇)$/, kind === "town" ? "" : "$1");
      const value = kind === "town" && what.towns && what.towns[item.name];
      if (!value) return;
      const small = document.createElement("small");
      small.textContent = value[0];
      small.className = `tone-${value[1]}`;
      tag.appendChild(small);
    };
    const own = host.getBoundingClientRect();
    for (const panel of document.querySelectorAll("main > [data-area]")) {
      const r = panel.getBoundingClientRect();
      if (
        r.width &&
        r.left < own.right - 1 &&
        own.left + 1 < r.right &&
        r.top < own.bottom - 1 &&
        own.top + 1 < r.bottom
      ) {
        taken.push({
          x: (r.left - own.left) / scale,
          y: (r.top - own.top) / scale,
          w: r.width / scale,
          h: r.height / scale,
        });
      }
    }
    for (const site of what.sites || []) {
      // the star stands on the spot, the name where there is room
      const star = document.createElement("span"),
        x = view.x(site.at[0]),
        y = view.y(site.at[1]);
      star.className = `site${site.open ? "" : " is-shut"}`;
      star.textContent = "★";
      star.style.left = x - 12 + "px";
      star.style.top = y - 12 + "px";
      labels.appendChild(star);
      taken.push({ x: x - 13, y: y - 13, w: 26, h: 26 });
    }
    for (const site of what.mode === "sites" ? what.sites : []) {
      place(
        site,
        "site-name",
        [
          [0, -0.95],
          [0, 0.95],
          [0.56, 0],
          [-0.56, 0],
          [0.5, -0.95],
          [-0.5, -0.95],
          [0.4, 0.95],
          [-0.4, 0.95],
        ],
        (tag) => {
          tag.textContent = site.name;
        },
      );
    }
    const around = [
      [0, 0],
      [0, -1],
      [0, 1],
      [0.7, 0],
      [-0.7, 0],
      [0.6, 1],
      [-0.6, -1],
      [0, -2],
      [0, 2],
    ];
    for (const t of [...outlines.towns].sort((a, b) => b.area - a.area)) place(t, "town", around, named(t, "town"));
    for (const d of outlines.districts.filter((d) => !d.ours)) place(d, "outside", [[0, 0]], named(d, "outside"));
  }

  /* ---- what moves ---- */
  function show(live, now) {
    const n = live.ref.length;
    const next = {
      n,
      lon: new Float32Array(n),
      lat: new Float32Array(n),
      state: new Uint8Array(n),
      heading: new Float32Array(n),
      fromX: new Float32Array(n),
      fromY: new Float32Array(n),
      toX: new Float32Array(n),
      toY: new Float32Array(n),
      index: new Map(),
      startedAt: now,
      glide: glideFor(now),
      movers: null,
      alarms: null,
    };
    for (let i = 0; i < n; i++) {
      next.lon[i] = live.lon[i] / live.grid;
      next.lat[i] = live.lat[i] / live.grid;
      next.state[i] = live.state.charCodeAt(i) - 48;
      next.heading[i] = (live.heading[i] * Math.PI) / 180;
      next.index.set(live.ref[i], i);
    }
    const before = fleet;
    fleet = next;
    if (!view) return;
    const share = before ? progress(before, now) : 1;
    project();
    if (before)
      for (const [ref, j] of before.index) {
        const i = next.index.get(ref);
        if (i === undefined || far(before, j, next, i)) continue;
        next.fromX[i] = before.fromX[j] + (before.toX[j] - before.fromX[j]) * share;
        next.fromY[i] = before.fromY[j] + (before.toY[j] - before.fromY[j]) * share;
      }
    drawnShare = 0;
    sortOut();
    drawBase();
    wake();
  }

  const glideFor = (now) =>
    Math.max(GLIDE_MIN_MS, Math.min(GLIDE_MAX_MS, fleet ? now - fleet.startedAt : GLIDE_MIN_MS));

  const progress = (f, now) => Math.min(1, Math.max(0, (now - f.startedAt) / f.glide));

  function far(a, j, b, i) {
    const dx = (a.lon[j] - b.lon[i]) * view.squeeze,
      dy = a.lat[j] - b.lat[i];
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
    fleet.movers = of(RUNNING);
    fleet.alarms = of(ALARM);
    fleet.farthest = 0;
    for (const i of [...fleet.movers, ...fleet.alarms])
      fleet.farthest = Math.max(
        fleet.farthest,
        Math.hypot(fleet.toX[i] - fleet.fromX[i], fleet.toY[i] - fleet.fromY[i]),
      );
  }

  function drawMoving(now) {
    const how = LEVELS[level],
      share = progress(fleet, now);
    over.clearRect(0, 0, view.w, view.h);
    over.globalAlpha = dimmed ? DIM : 1;
    const x = (i) => fleet.fromX[i] + (fleet.toX[i] - fleet.fromX[i]) * share;
    const y = (i) => fleet.fromY[i] + (fleet.toY[i] - fleet.fromY[i]) * share;
    if (how.tails) {
      over.beginPath();
      for (const i of fleet.movers) {
        const px = x(i),
          py = y(i);
        over.moveTo(px, py);
        over.lineTo(px - Math.sin(fleet.heading[i]) * 6, py + Math.cos(fleet.heading[i]) * 6);
      }
      over.strokeStyle = tones.state[RUNNING];
      over.lineWidth = 1;
      over.globalAlpha *= 0.45;
      over.stroke();
      over.globalAlpha = dimmed ? DIM : 1;
    }
    over.fillStyle = tones.state[RUNNING];
    for (const i of fleet.movers) over.fillRect(x(i) - 1.5, y(i) - 1.5, 3, 3);
    const TURN = Math.PI * 2;
    over.fillStyle = tones.state[ALARM];
    over.beginPath();
    for (const i of fleet.alarms) {
      over.moveTo(x(i) + 4.5, y(i));
      over.arc(x(i), y(i), 4.5, 0, TURN);
    }
    over.fill();
  }

  /* Rings around alarms stand on a canvas of their own: only the little squares they fill are touched. */
  function drawRings(now) {
    const phase = (now % PULSE_MS) / PULSE_MS,
      share = progress(fleet, now),
      r = 5 + phase * 11,
      far = 19;
    for (const [x, y] of ringed) ring.clearRect(x - far, y - far, far * 2, far * 2);
    ringed = [];
    if (!LEVELS[level].rings) return;
    ring.globalAlpha = (dimmed ? DIM : 1) * (1 - phase);
    ring.strokeStyle = tones.state[ALARM];
    ring.lineWidth = 2;
    ring.beginPath();
    for (const i of fleet.alarms) {
      const x = fleet.fromX[i] + (fleet.toX[i] - fleet.fromX[i]) * share,
        y = fleet.fromY[i] + (fleet.toY[i] - fleet.fromY[i]) * share;
      ring.moveTo(x + r, y);
      ring.arc(x, y, r, 0, Math.PI * 2);
      ringed.push([x, y]);
    }
    ring.stroke();
  }

  /* ---- the loop: drawn as often as something has moved far enough to be seen, and no more ---- */
  const isLive = () => fleet && view && what.mode === "vehicles";

  function pace(now) {
    if (!isLive()) return what.mode === "heat" ? BAND_MS : LAZY_MS;
    const left = fleet.glide * (1 - progress(fleet, now));
    const move = left > 0 && fleet.farthest > 0 ? (fleet.glide * LEVELS[level].step) / fleet.farthest : LAZY_MS;
    return Math.max(
      FRAME_MS,
      Math.min(LAZY_MS, move, fleet.alarms.length && LEVELS[level].rings ? PULSE_FRAME_MS : LAZY_MS),
    );
  }

  function wake() {
    clearTimeout(timer);
    timer = setTimeout(() => requestAnimationFrame(loop), 0);
  }

  function loop(now) {
    const every = pace(now);
    if (isLive()) {
      const move = fleet.farthest > 0 ? (fleet.glide * LEVELS[level].step) / fleet.farthest : LAZY_MS;
      const rests = drawnShare === 1 && progress(fleet, now) === 1;
      if (probing || (!rests && now - drawnAt >= Math.min(move, LAZY_MS) - 4)) {
        drawMoving(now);
        drawnAt = now;
        drawnShare = progress(fleet, now);
      }
      drawRings(now);
    } else if (what.mode === "heat" && bands && view) {
      band = Math.floor(Date.now() / BAND_MS) % bands.cells.length;
      drawBase();
    }
    tellBand();
    if (probe(now)) {
      requestAnimationFrame(loop);
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => requestAnimationFrame(loop), every);
  }

  /* Once a minute every frame is drawn for a moment: what the screen could do. Too slow a screen gives something up. */
  function probe(now) {
    if (!isLive()) {
      probing = null;
      return false;
    }
    if (!probing && now - probedAt > PROBE_EVERY_MS) probing = { at: now, frames: 0 };
    if (!probing) return false;
    probing.frames += 1;
    const span = now - probing.at;
    if (span < PROBE_MS) return true;
    if (span < PROBE_MS * 3) {
      // longer: the page slept, which says nothing about the screen
      fps = ((probing.frames - 1) * 1000) / span;
      calm = fps >= GOOD_FPS ? calm + 1 : 0;
      if (fps < SLOW_FPS && level < LEVELS.length - 1) setLevel(level + 1);
      else if (level > 0 && calm >= CALM_PROBES * level) setLevel(level - 1);
    }
    probing = null;
    probedAt = now;
    return false;
  }

  function setLevel(to) {
    level = to;
    calm = 0;
    if (view) resize();
  }

  /* What the scene's map shows besides outlines and names; a scene without a map lets it sleep. */
  function scene(drawn) {
    what = drawn || { mode: "" };
    bands = what.mode === "heat" ? gather(what.cells) : null;
    over.clearRect(0, 0, moving.width, moving.height);
    ring.clearRect(0, 0, pulse.width, pulse.height);
    ringed = [];
    tellBand();
  }

  for (const canvas of [base, moving, pulse]) canvas.addEventListener("contextrestored", () => resize());
  wake();

  window.WallMap = {
    outline(shapes) {
      outlines = shapes;
      resize();
    },
    show,
    resize,
    scene,
    /* Draws every frame for `ms` and says how many a second the screen managed. */
    trial: (ms) =>
      new Promise((done) => {
        let first = 0,
          frames = 0;
        const step = (now) => {
          first = first || now;
          frames += 1;
          if (isLive()) {
            drawMoving(now);
            drawRings(now);
          }
          if (now - first < ms) requestAnimationFrame(step);
          else done(((frames - 1) * 1000) / (now - first));
        };
        requestAnimationFrame(step);
      }),
    dim(on) {
      if (on !== dimmed) {
        dimmed = on;
        if (view) drawBase();
      }
    },
    stats: () => ({ fps: Math.round(fps * 10) / 10, level, vehicles: fleet ? fleet.n : 0 }),
    where: (ref) => {
      const i = fleet && view ? fleet.index.get(ref) : undefined;
      if (i === undefined) return null;
      const share = progress(fleet, performance.now());
      return [
        fleet.fromX[i] + (fleet.toX[i] - fleet.fromX[i]) * share,
        fleet.fromY[i] + (fleet.toY[i] - fleet.fromY[i]) * share,
      ];
    },
  };
})();
