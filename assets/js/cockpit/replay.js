// Goes along a vehicle's way on the map: one minute of the road in a tenth of a second, with the time of the day beside the button.
(function () {
  "use strict";
  var SPEED = 600; // seconds of the way a second of watching
  var running = null;

  function points(box) {
    return box.dataset.path.split(";").map(function (word) {
      return word.split(",").map(Number);
    });
  }

  function clock(seconds) {
    var all = Math.floor(seconds / 60),
      pad = function (n) {
        return (n < 10 ? "0" : "") + n;
      };
    return pad(Math.floor(all / 60) % 24) + ":" + pad(all % 60);
  }

  function play(box, button) {
    var way = points(box),
      truck = box.querySelector(".spot-truck"),
      words = box.querySelector(".replay-clock");
    var first = way[0][2],
      last = way[way.length - 1][2],
      begun = performance.now(),
      step = 0;
    button.textContent = "■ 停止";
    running = { button: button };
    var mine = running;
    (function go(now) {
      if (running !== mine) return;
      if (!document.body.contains(box)) {
        running = null;
        return;
      } // the page was drawn anew under it
      var at = Math.min(last, first + ((now - begun) / 1000) * SPEED);
      while (step < way.length - 2 && way[step + 1][2] <= at) step += 1;
      var a = way[step],
        b = way[step + 1],
        share = b[2] > a[2] ? Math.min(1, (at - a[2]) / (b[2] - a[2])) : 1;
      truck.style.left = a[0] + (b[0] - a[0]) * share + "%";
      truck.style.top = a[1] + (b[1] - a[1]) * share + "%";
      words.textContent = clock(at) + (b[3] ? "　无数据" : "");
      if (at < last) requestAnimationFrame(go);
      else stop();
    })(begun);
  }

  function stop() {
    if (running) running.button.textContent = "▶ 回放";
    running = null;
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-act=replay]");
    if (!button) return;
    if (running) {
      stop();
      return;
    }
    play(button.closest(".replay"), button);
  });
})();
