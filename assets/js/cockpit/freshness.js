// Ages every number by the browser's own clock, watches the server, and says so when either goes wrong.
// A dead server, a lost network and an expired login all end in words on the screen, never in old numbers that look new.
(function () {
  "use strict";

  var BEAT_MS = 15000,
    BEAT_LIMIT_MS = 8000,
    BACKOFF_MS = [2000, 4000, 8000, 15000, 30000],
    TICK_MS = 1000;
  var IDLE_MS = 60000; // a reader who touches nothing for this long gets newer data without being asked
  var AGEING = 0.7,
    GONE = 3; // shares of data-stale-after
  var state = {
    offset: 0,
    failures: 0,
    lostAt: 0,
    build: null,
    accepted: null,
    beat: null,
    touched: Date.now(),
    drawn: null,
    subject: null,
    scroll: null,
  };

  function now() {
    return Date.now() + state.offset;
  }
  function frame() {
    return document.getElementById("shell-frame");
  }

  function words(seconds) {
    if (seconds < 1) return "刚刚";
    if (seconds < 60) return Math.floor(seconds) + " 秒前";
    if (seconds < 3600) return Math.floor(seconds / 60) + " 分钟前";
    if (seconds < 86400) return Math.floor(seconds / 3600) + " 小时前";
    return Math.floor(seconds / 86400) + " 天前";
  }

  function level(seconds, limit) {
    if (!limit) return "live";
    var share = seconds / limit;
    return share > GONE ? "gone" : share > 1 ? "stale" : share > AGEING ? "ageing" : "live";
  }

  // ---- ageing -------------------------------------------------------------------------------------------------
  function age() {
    document.querySelectorAll("[data-asof]").forEach(function (element) {
      var seconds = (now() - Date.parse(element.dataset.asof)) / 1000;
      var grade = level(seconds, Number(element.dataset.staleAfter));
      if (element.dataset.age !== grade) {
        element.classList.remove("age-live", "age-ageing", "age-stale", "age-gone");
        element.classList.add("age-" + grade);
        element.dataset.age = grade;
      }
      var mark = element.querySelector(".age");
      if (mark) {
        const text = words(seconds);
        if (mark.textContent !== text) mark.textContent = text;
      }
      var label = element.matches(".asof") ? element : element.querySelector(".asof");
      if (label) label.title = words(seconds) + (grade === "stale" || grade === "gone" ? "，已超过承诺时效" : "");
    });
  }

  // ---- the bar at the bottom ----------------------------------------------------------------------------------
  function bar(kind, text, label, act) {
    var box = document.getElementById("shell-lost");
    if (!box) return;
    var key = kind + text;
    if (state.drawn === key) return;
    state.drawn = key;
    box.className = kind ? "lost is-on is-" + kind : "lost";
    box.textContent = text || "";
    if (label) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", act);
      box.appendChild(button);
    }
  }

  function lost() {
    var since = Math.floor((Date.now() - state.lostAt) / 1000);
    bar(
      "down",
      "连接中断 · 画面停在中断前的数据，已 " + words(since).replace("前", "") + "，正在自动重连",
      "立即重试",
      beat,
    );
  }

  // the loader has stopped: the page is alive, its numbers are not
  function stopped(seconds) {
    if (seconds === null || seconds === undefined) return false;
    bar("down", "装载停止 · 已 " + words(seconds).replace("前", "") + "没有新数据，数字停在最近一次发布");
    return true;
  }

  function login() {
    var here = encodeURIComponent(location.pathname + location.search);
    bar("login", "登录已过期，画面不再更新", "重新登录", function () {
      window.leave("/login?next=" + here);
    });
  }

  // ---- heartbeat: one at a time, the next is only planned when the last has ended ------------------------------
  function beat() {
    if (state.beat) {
      clearTimeout(state.beat.timer);
      state.beat.stop.abort();
    }
    var stop = new AbortController(),
      sent = Date.now();
    var mine = {
      stop: stop,
      timer: setTimeout(function () {
        stop.abort();
      }, BEAT_LIMIT_MS),
    };
    state.beat = mine;
    fetch("/api/version", { signal: stop.signal, cache: "no-store", credentials: "same-origin" })
      .then(function (answer) {
        if (answer.status === 401 || answer.status === 403) {
          login();
          return null;
        }
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.json();
      })
      .then(function (version) {
        if (version && state.beat === mine) alive(version, sent);
      })
      .catch(function () {
        if (state.beat === mine) dead();
      })
      .finally(function () {
        clearTimeout(mine.timer);
        if (state.beat !== mine) return;
        var wait = state.failures ? BACKOFF_MS[Math.min(state.failures, BACKOFF_MS.length) - 1] : BEAT_MS;
        mine.timer = setTimeout(beat, wait);
      });
  }

  function dead() {
    if (!state.failures) state.lostAt = Date.now();
    state.failures += 1;
    lost();
  }

  function alive(version, sent) {
    // the server's clock at the middle of the round trip: a screen with a wrong clock still ages correctly
    state.offset = Date.parse(version.server_time) - (sent + Date.now()) / 2;
    var recovered = state.failures > 0;
    state.failures = 0;
    if (state.build && state.build !== version.build)
      window.leave(); // this page lives on until the new one is there
    else state.build = version.build;
    var shown = frame();
    if (!shown) {
      if (recovered) window.leave();
      else bar("", "");
      return;
    }
    var newer = version.generation && version.generation !== shown.dataset.generation && !shown.dataset.pinned;
    if (!newer) {
      if (!stopped(version.loader_silent_s)) bar("", "");
      return;
    }
    var take = function () {
      accept(version.generation);
    };
    if (recovered || document.hidden || Date.now() - state.touched > IDLE_MS) take();
    else bar("offer", "有新一期数据", "更新画面", take);
  }

  function accept(generation) {
    bar("", "");
    if (state.accepted === generation) {
      window.leave();
      return;
    }
    state.accepted = generation;
    redraw(generation);
  }

  // the page of that word anew by Dash; the whole document where Dash has not taken over yet
  function redraw(word) {
    if (document.getElementById("shell-served")) window.leave();
    else window.dash_clientside.set_props("shell-generation", { data: word });
  }

  // what the reader looks at; sorting, paging, filtering and newer data keep it, and then the place on the page too
  function subject() {
    var query = new URLSearchParams(location.search);
    return [location.pathname]
      .concat(
        ["window", "at", "place", "as_of"].map(function (key) {
          return query.get(key);
        }),
      )
      .join("|");
  }

  // a page has been drawn: a new subject starts at its top or at the place that the address names; the marked entry of a narrow
  // navigation comes into view
  function arrived() {
    var shown = subject(),
      named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    document.querySelectorAll(".is-named").forEach(function (one) {
      if (one !== named) one.classList.remove("is-named");
    });
    var first = state.subject === null; // came with the document: the browser itself has put it where it belongs
    if (shown !== state.subject && named) {
      named.classList.add("is-named");
      named.scrollIntoView({ block: "center" });
    } else if (shown !== state.subject) {
      if (!first) window.scrollTo(0, 0);
    } else if (state.scroll !== null) window.scrollTo(0, state.scroll);
    // whoever walks by the keyboard goes on from the new page, not from the top of the document
    if (!first && shown !== state.subject && document.activeElement === document.body)
      (document.getElementById("main") || document.body).focus({ preventScroll: true });
    state.subject = shown;
    state.scroll = null;
    var chosen = document.querySelector(".nav-item.is-on"),
      nav = chosen?.parentElement;
    if (nav) nav.scrollLeft = chosen.offsetLeft - (nav.clientWidth - chosen.clientWidth) / 2;
    age();
  }

  // ---- small acts ---------------------------------------------------------------------------------------------
  function copy(button) {
    var done = function () {
      var text = button.textContent;
      button.textContent = "已复制";
      setTimeout(function () {
        button.textContent = text;
      }, 1500);
    };
    if (navigator.clipboard) {
      navigator.clipboard.writeText(location.href).then(done);
      return;
    }
    // plain HTTP on an intranet has no clipboard API
    var field = document.createElement("textarea");
    field.value = location.href;
    document.body.appendChild(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    done();
  }

  function theme() {
    var root = document.documentElement,
      next = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    try {
      localStorage.setItem("zb-theme", next);
    } catch (_e) {
      /* kept for this page only */
    }
    document.cookie = "zb-theme=" + next + "; path=/; max-age=31536000; samesite=lax";
    var shown = frame();
    // the same generation again: the server draws the charts anew in the other colours
    if (shown) redraw(shown.dataset.generation + "/" + next);
  }

  function logout() {
    fetch("/logout", { method: "POST", credentials: "same-origin" })
      .then(function (answer) {
        if (!answer.ok) throw new Error(String(answer.status));
        // the log-in page, which goes on to the single sign-on where that had opened the session
        var page = new URL(answer.url);
        window.leave(page.pathname + page.search);
      })
      .catch(function () {
        bar("down", "没有退出登录：服务器没有应答，本机仍处于登录状态", "再试一次", logout);
      });
  }

  // before the link itself acts: a page that is drawn anew may be shorter for a moment
  document.addEventListener(
    "click",
    function (event) {
      state.scroll = event.target.closest("a") ? window.scrollY : null;
    },
    true,
  );
  document.addEventListener("click", function (event) {
    state.touched = Date.now();
    var target = event.target.closest("[data-copy],[data-act]");
    if (target?.dataset.copy) copy(target);
    if (target && target.dataset.act === "theme") theme();
    if (target && target.dataset.act === "logout") logout();
    document.querySelectorAll("details.drop[open]").forEach(function (menu) {
      if (!menu.contains(event.target) || event.target.closest(".menu")) menu.open = false;
    });
  });
  // a form that only asks is an address like a link: no need to load the whole page again
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "get" || !form.closest("#shell-root")) return;
    event.preventDefault();
    var query = new URLSearchParams();
    new FormData(form).forEach(function (value, key) {
      if (value) query.append(key, value);
    });
    state.scroll = window.scrollY;
    window.dash_clientside.set_props("shell-address", {
      pathname: form.getAttribute("action"),
      search: query.size ? "?" + query : "",
    });
  });
  ["keydown", "wheel", "touchstart"].forEach(function (name) {
    document.addEventListener(
      name,
      function (event) {
        state.touched = Date.now();
        if (event.key === "Escape")
          document.querySelectorAll("details.drop[open]").forEach(function (m) {
            m.open = false;
          });
      },
      { passive: true },
    );
  });
  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) beat();
  });
  window.addEventListener("online", beat);
  window.addEventListener("offline", dead);

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.zb = {
    title: function (title) {
      if (title) {
        document.title = title;
        arrived();
      }
    },
  };

  setInterval(function () {
    age();
    if (state.failures) lost();
  }, TICK_MS);
  if (frame()) arrived();
  beat();
})();
