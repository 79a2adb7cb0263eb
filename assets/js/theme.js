// Light or dark before the first paint: the reader's own choice, else the system's.
(function () {
  "use strict";
  var chosen = null;
  try {
    chosen = localStorage.getItem("zb-theme");
  } catch (_e) {
    /* private mode: follow the system */
  }
  var dark = chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  // charts are drawn by the server, which learns of the choice by this cookie
  document.cookie = "zb-theme=" + (dark ? "dark" : "light") + "; path=/; max-age=31536000; samesite=lax";
  if (!document.documentElement.dataset.theme) document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
