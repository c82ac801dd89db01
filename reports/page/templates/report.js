// A click on a heading sorts its table, a second one reverses it; sums stay at the foot, and
// numbers come before words. Without this script every table stands as written.
(function () {
  function value(row, at) {
    var text = row.cells[at].textContent.trim();
    var number = text.replace(/,/g, "").match(/^-?[0-9.]+/);
    return number ? parseFloat(number[0]) : text.toLowerCase();
  }
  function compare(a, b) {
    if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
    return typeof a === "number" ? -1 : 1;
  }
  document.querySelectorAll("table").forEach(function (table) {
    if (!table.tHead) return;
    var heads = Array.from(table.tHead.rows[0].cells), body = table.tBodies[0];
    heads.forEach(function (head, at) {
      head.tabIndex = 0;
      head.classList.add("sortable");
      function sort() {
        var down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        var first = body.querySelector("tr.sum");
        Array.from(body.rows)
          .filter(function (row) { return row.className !== "sum"; })
          .sort(function (a, b) {
            var order = compare(value(a, at), value(b, at));
            return down ? -order : order;
          })
          .forEach(function (row) { body.insertBefore(row, first); });
      }
      head.addEventListener("click", sort);
      head.addEventListener("keydown", function (event) { if (event.key === "Enter") sort(); });
    });
  });
})();
