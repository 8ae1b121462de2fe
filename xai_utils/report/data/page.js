"use strict";
// Sorting and filtering; without it the table is as it was written, complete and sorted.
const table = document.querySelector("table"), form = document.querySelector("form");
const bodies = [...table.tBodies];
form.hidden = false;
for (const heading of table.querySelectorAll("th[data-key]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => sort(heading));
}
function sort(heading) {
  const key = heading.dataset.key;
  const numbers = heading.hasAttribute("data-number");
  const last = heading.getAttribute("aria-sort");
  const down = last ? last === "ascending" : numbers;
  for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const sign = down ? -1 : 1;
  bodies.sort((a, b) => {
    const [x, y] = [a.dataset[key], b.dataset[key]];
    if (x === "" || y === "") return (x === "") - (y === "");
    return sign * (numbers ? x - y : x.localeCompare(y));
  });
  table.append(...bodies);
}
function filter() {
  const wanted = new FormData(form);
  let shown = 0;
  for (const body of bodies) {
    body.hidden = ["class", "outcome"].some(
      (key) => wanted.get(key) !== "" && wanted.get(key) !== body.dataset[key]);
    shown += !body.hidden;
  }
  document.querySelector("output").textContent = `${shown} of ${bodies.length} shown`;
}
form.addEventListener("change", (event) => {
  if (event.target.name !== "sort") return filter();
  const heading = table.querySelector(`th[data-key=${event.target.value}]`);
  heading.removeAttribute("aria-sort");
  sort(heading);
});
filter();
