/* What a screen shows at a moment, from the last direction it was given: pure reckoning, no element, no request. It goes on
   turning when the server is silent, drops what has ended, and is not misled by a clock that steps. */
(function () {
  "use strict";

  const STEP_MS = 5000; // a server time further than this from what the steady clock expects is a step, not the time

  let told = null,
    anchor = null;

  const time = (text) => (text === null || text === undefined ? null : Date.parse(text));

  /* The "direction" of a /version answer; call it with every answer, after the server's time has been taken from it. */
  function update(direction) {
    anchor = null;
    if (!direction?.scenes?.length || !(direction.dwell_s > 0)) {
      told = null;
      return;
    }
    const { urgent, hold } = direction;
    told = {
      seq: direction.seq,
      scenes: direction.scenes,
      dwell: direction.dwell_s * 1000,
      since: time(direction.since) || 0,
      urgent: urgent && { ...urgent, scene: direction.scene, end: time(urgent.until) },
      hold: hold && { scene: hold.scene, end: time(hold.until) },
      highlight: direction.highlight && { metric: direction.highlight, end: time(direction.highlight_until) },
    };
  }

  /* The server's time between two answers runs with the steady clock; the first call after an answer sets it. */
  function steady(serverNowMs) {
    const here = performance.now();
    if (!anchor) anchor = { server: serverNowMs, here };
    const expected = anchor.server + (here - anchor.here);
    return Math.abs(serverNowMs - expected) > STEP_MS ? expected : serverNowMs;
  }

  const runs = (part, now) => Boolean(part) && (part.end === null || now < part.end);
  const left = (end, now) => (end === null ? null : Math.max(0, Math.ceil((end - now) / 1000)));

  /* {seq, scene, mode, secondsLeft, index, count, highlight, urgent} at a server time in ms. scene null: nothing was ever told.
     mode: rotate, hold or urgent. secondsLeft null: no end of its own (held until released, or one scene only).
     index: place of the scene in the rotation, -1 when it is not in it. urgent: {since, until, alarms} while it is on. */
  function at(serverNowMs) {
    if (!told)
      return {
        seq: null,
        scene: null,
        mode: "rotate",
        secondsLeft: null,
        index: -1,
        count: 0,
        highlight: null,
        urgent: null,
      };
    const now = steady(serverNowMs),
      { scenes, dwell, since } = told,
      count = scenes.length;
    const turns = Math.floor((now - since) / dwell);
    let mode = "rotate",
      scene = scenes[((turns % count) + count) % count];
    let secondsLeft = count > 1 ? left(since + (turns + 1) * dwell, now) : null;
    const over = runs(told.urgent, now) ? told.urgent : runs(told.hold, now) ? told.hold : null;
    if (over) {
      mode = over === told.urgent ? "urgent" : "hold";
      scene = over.scene;
      secondsLeft = left(over.end, now);
    }
    return {
      seq: told.seq,
      scene,
      mode,
      secondsLeft,
      index: scenes.indexOf(scene),
      count,
      highlight: runs(told.highlight, now) ? told.highlight.metric : null,
      urgent:
        mode === "urgent" ? { since: told.urgent.since, until: told.urgent.until, alarms: told.urgent.alarms } : null,
    };
  }

  window.WallDirection = { update, at };
})();
