// Stars and the order of 我的页面: a button with data-mine asks the server, and what the server says is shown. A refusal is told in words.
(function () {
  "use strict";
  var TOLD_MS = 6000;
  var voice = null,
    hush = 0;

  function tell(text) {
    if (!voice) {
      voice = document.createElement("div");
      voice.className = "told";
      voice.setAttribute("role", "status");
      document.body.appendChild(voice);
    }
    voice.textContent = text;
    voice.classList.add("is-on");
    clearTimeout(hush);
    hush = setTimeout(function () {
      voice.classList.remove("is-on");
    }, TOLD_MS);
  }

  function same(button) {
    return Array.prototype.filter.call(
      document.querySelectorAll("[data-mine='" + button.dataset.mine + "']"),
      function (one) {
        return one.dataset.place === button.dataset.place;
      },
    );
  }

  function mark(button, kept) {
    same(button).forEach(function (one) {
      one.setAttribute("aria-pressed", kept);
    });
  }

  // the list is drawn anew by the server; the finger or the focus stays with what was moved
  function redraw(button) {
    if (document.getElementById("shell-served")) {
      location.reload();
      return;
    }
    var seen = new MutationObserver(function () {
      seen.disconnect();
      requestAnimationFrame(function () {
        var again = same(button)[0] || document.querySelector("[data-mine]") || document.getElementById("main");
        if (again) again.focus();
      });
    });
    seen.observe(document.getElementById("shell-root"), {
      childList: true,
      subtree: true,
      attributes: true,
      attributeFilter: ["data-place"],
    });
    window.dash_clientside.set_props("shell-generation", {
      data: document.getElementById("shell-frame").dataset.generation + "/" + Date.now(),
    });
  }

  function ask(button) {
    var star = button.dataset.mine === "star",
      on = button.getAttribute("aria-pressed") !== "true";
    var act = star ? (on ? "keep" : "drop") : button.dataset.mine;
    fetch("/mine/" + act, {
      method: "POST",
      body: new URLSearchParams({ place: button.dataset.place }),
      headers: { "X-Once": window.onceKey() },
      credentials: "same-origin",
    })
      .then(function (answer) {
        return answer.json().then(function (said) {
          if (!answer.ok) throw said;
          return said;
        });
      })
      .then(function (said) {
        if (!star) {
          redraw(button);
          return;
        }
        mark(button, on);
        tell((on ? "已收藏到我的页面" : "已取消收藏") + "，现有 " + said.count + " / " + said.most + " 项");
      })
      .catch(function (said) {
        tell(said.to_do || said.error || "没有保存：连接中断，请稍后再试");
      });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-mine]");
    if (button) ask(button);
  });
})();
