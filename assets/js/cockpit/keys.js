// The keyboard: / searches, g and a letter goes to a page, [ and ] to the period before and after, c copies the link, ? tells all this.
// Keys do what the links and buttons of the page do, so whatever is not on the page cannot be reached by a key either.
(function () {
  "use strict";
  if (document.body?.classList.contains("wall")) return;

  var WAIT_MS = 1500;
  var WAYS = {
    z: ["/", "总览"],
    c: ["/group/fleet", "车队运行"],
    a: ["/group/safety", "安全监管"],
    s: ["/group/driver", "司机与远程管理"],
    h: ["/group/membership", "组织与会员"],
    l: ["/group/programme", "六大工程"],
    f: ["/group/site", "服务阵地"],
    j: ["/health", "数据健康"],
    d: ["/supervision", "督办"],
    b: ["/reports", "报告"],
    m: ["/mine", "我的页面"],
  };
  var ACTS = {
    "[": ["上一期", "a.step[title='前一期']"],
    "]": ["下一期", "a.step[title='后一期']"],
    c: ["复制链接", "[data-copy]"],
  };
  var goes = 0;

  function to(path) {
    var links = document.querySelectorAll("#shell-frame nav a, #shell-frame header a");
    var link = Array.prototype.find.call(links, function (one) {
      return new URL(one.href, location.href).pathname === path;
    });
    if (link) link.click();
  }

  function help() {
    var box = document.getElementById("keys-help");
    if (!box) {
      box = document.createElement("dialog");
      box.id = "keys-help";
      box.className = "keys";
      const title = document.createElement("h2"),
        list = document.createElement("dl");
      title.textContent = "键盘";
      const rows = [["/", "搜索"]].concat(
        Object.keys(WAYS).map(function (key) {
          return ["g " + key, WAYS[key][1]];
        }),
        Object.keys(ACTS).map(function (key) {
          return [key, ACTS[key][0]];
        }),
        [
          ["Esc", "关闭菜单与本窗口"],
          ["?", "本窗口"],
        ],
      );
      rows.forEach(function (row) {
        var line = document.createElement("div"),
          term = document.createElement("dt"),
          words = document.createElement("dd");
        term.textContent = row[0];
        words.textContent = row[1];
        line.append(term, words);
        list.append(line);
      });
      box.append(title, list);
      box.addEventListener("click", function () {
        box.close();
      });
      document.body.append(box);
    }
    if (!box.open) box.showModal();
  }

  document.addEventListener("keydown", function (event) {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.target.closest("input, textarea, select, [contenteditable], dialog")
    )
      return;
    var key = event.key,
      waits = Date.now() - goes < WAIT_MS;
    goes = 0;
    if (waits && WAYS[key]) {
      event.preventDefault();
      to(WAYS[key][0]);
      return;
    }
    if (key === "g") {
      goes = Date.now();
      return;
    }
    if (key === "?") {
      event.preventDefault();
      help();
      return;
    }
    if (key === "/") {
      const field = document.querySelector("#search-box");
      if (field) {
        event.preventDefault();
        field.focus();
      }
      return;
    }
    var target = ACTS[key] && document.querySelector("#shell-frame " + ACTS[key][1]);
    if (target) {
      event.preventDefault();
      target.click();
    }
  });
})();
