// Light or dark before the first paint: the reader's own choice, else the system's.
(function () {
  "use strict";
  var chosen = null;
  try { chosen = localStorage.getItem("zb-theme"); } catch (e) { /* private mode: follow the system */ }
  var dark = chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  if (!document.documentElement.dataset.theme) document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
