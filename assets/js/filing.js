// The name of the chosen file in our own words: the browser writes its own in the language it was installed in.
document.querySelectorAll(".filing-file input").forEach(function (input) {
  "use strict";
  input.addEventListener("change", function () {
    input.parentElement.querySelector("output").textContent = input.files.length ? input.files[0].name : "未选择";
  });
});
