// Leaves a living page only when our own application answers at the address to come: a proxy that says 502 for a moment would otherwise be
// the page for ever, and nobody stands before a wall to press F5. A page that is an error itself tries again the same way (data-retry).
// It also makes the keys of what scripts ask for.
(function () {
  "use strict";

  var WAITS_MS = [0, 1000, 2000, 4000, 8000, 15000, 30000],
    LIMIT_MS = 10000,
    JITTER = 0.3;
  var going = null;

  // what only our application says; the pages of a proxy and of a hotel's network do not. A page that is gone by now is its answer too
  function isOurs(answer) {
    return answer.status < 500 && answer.headers.get("X-Zhengbei") !== null;
  }

  function ask(address) {
    var stop = new AbortController(),
      timer = setTimeout(function () {
        stop.abort();
      }, LIMIT_MS);
    return fetch(address, { cache: "no-store", credentials: "same-origin", signal: stop.signal })
      .then(isOurs, function () {
        return false;
      })
      .finally(function () {
        clearTimeout(timer);
      });
  }

  function attempt(number) {
    var wait = WAITS_MS[Math.min(number, WAITS_MS.length - 1)];
    setTimeout(
      function () {
        ask(going.address || location.href).then(function (there) {
          if (!there) {
            attempt(number + 1);
            return;
          }
          if (going.before) going.before();
          if (going.address) location.href = going.address;
          else location.reload();
        });
      },
      wait * (1 - JITTER / 2 + JITTER * Math.random()),
    );
  }

  // address: where to, none = this page anew. before: what is to be done in the last moment. A second wish while one is under way only
  // changes the address.
  window.leave = function (address, before) {
    var isUnderWay = going !== null;
    going = { address: address || null, before: before || null };
    if (!isUnderWay) attempt(0);
  };

  // the one-time key of a deed that a script asks for; a connection without TLS has no randomUUID
  window.onceKey = function () {
    return Array.from(crypto.getRandomValues(new Uint32Array(4)), function (part) {
      return part.toString(36);
    }).join("-");
  };

  if (document.currentScript?.hasAttribute("data-retry")) {
    going = { address: null, before: null };
    attempt(2);
  }
})();
