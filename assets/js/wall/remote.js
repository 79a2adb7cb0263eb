/* The phone page that steers a wall: says what the screen itself last said, sends commands, and tells when a command has
   arrived. A lost network or an ended session is said in words; it tries again by itself. */
(function () {
  "use strict";
  const base = document.body.dataset.base,
    $ = (id) => document.getElementById(id);
  const EVERY_MS = 2000,
    FETCH_MS = 6000;
  let sent = null,
    timer = 0;

  async function ask(path, body) {
    const stop = new AbortController(),
      limit = setTimeout(() => stop.abort(), FETCH_MS);
    try {
      const options = body
        ? {
            method: "POST",
            body: JSON.stringify(body),
            headers: { "Content-Type": "application/json", "X-Requested-With": "remote", "X-Once": window.onceKey() },
          }
        : { headers: { "X-Requested-With": "remote" } };
      const answer = await fetch(base + path, {
        ...options,
        cache: "no-store",
        credentials: "same-origin",
        redirect: "error",
        signal: stop.signal,
      });
      if (answer.status === 401) {
        problem("登录已过期，请重新登录后再操作");
        return null;
      }
      if (answer.status === 403) {
        problem("当前账号不能遥控大屏");
        return null;
      }
      const told = await answer.json();
      if (!answer.ok) {
        problem(told.error || "操作没有成功，请重试");
        return null;
      }
      problem("");
      return told;
    } catch (_error) {
      problem("连不上服务器，正在自动重试");
      return null;
    } finally {
      clearTimeout(limit);
    }
  }

  function problem(text) {
    $("problem").hidden = !text;
    if (text) $("problem").textContent = text;
  }

  function show(told) {
    const label = (id) => {
      const button = document.querySelector(`[data-scene="${id}"]`);
      return button ? button.textContent : id || "—";
    };
    $("group").textContent = told.group ? `分组 ${told.group}` : "";
    const left = told.until
      ? Math.max(0, Math.ceil((Date.parse(told.until) - Date.parse(told.server_time)) / 1000))
      : null;
    $("mode").textContent = told.mode_label + (left === null ? "" : ` · 还有 ${left} 秒`);
    $("scene").textContent = label(told.scene);
    const glass = told.on_glass;
    if (sent !== null && glass && glass.seq >= sent) sent = null;
    $("glass").textContent = !glass
      ? "大屏还没有报到"
      : glass.lost
        ? `大屏失联 ${Math.round(glass.silent_s / 60)} 分钟`
        : sent !== null
          ? "已下发 · 等待大屏确认"
          : `大屏在线 · 上次报到显示“${label(glass.scene)}”`;
    $("glass").dataset.state = !glass || glass.lost ? "bad" : sent !== null ? "wait" : "good";
    for (const button of document.querySelectorAll("[data-scene]"))
      button.setAttribute("aria-pressed", String(button.dataset.scene === told.scene));
    $("urgent").hidden = !told.urgent;
    fill($("alarms"), told.urgent ? told.urgent.alarms : [], (a) => [
      "li",
      `${new Date(a.raised_at).toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" })} ${a.plate} ${a.kind}（${a.level} 级）${a.town}`,
    ]);
    fill($("tiles"), told.tiles, (t) => [
      "button",
      t.label,
      { verb: "highlight", metric: t.metric },
      t.metric === told.highlight,
    ]);
  }

  function fill(host, items, made) {
    const key = JSON.stringify(items.map(made));
    if (host.dataset.key === key) return;
    host.dataset.key = key;
    host.textContent = "";
    for (const item of items) {
      const [tag, text, data, pressed] = made(item),
        node = document.createElement(tag);
      node.textContent = text;
      if (tag === "button") {
        node.type = "button";
        node.setAttribute("aria-pressed", String(Boolean(pressed)));
      }
      Object.assign(node.dataset, data || {});
      host.appendChild(node);
    }
  }

  async function look() {
    const told = await ask("/state");
    if (told) show(told);
    timer = setTimeout(look, EVERY_MS);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-verb]");
    if (!button) return;
    const { verb, scene, metric } = button.dataset;
    const told = await ask("/command", { verb, scene, metric });
    if (told) {
      sent = told.seq;
      show(told);
    }
  });
  look();
  window.addEventListener("pagehide", () => clearTimeout(timer));
})();
