"use strict";
// The page is complete without this: filtering by text, opening what a link points at, keys, and printing.
const box = document.getElementById("filter");
const rows = () => document.querySelectorAll(".r");
const matches = document.getElementById("matches");
box.closest("label").classList.remove("hidden");
document.getElementById("keys").classList.remove("hidden");
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let all = 0;
  let left = 0;
  for (const row of rows()) {
    const text = row.textContent.toLowerCase();
    const fits = words.every((word) => text.includes(word));
    row.classList.toggle("hidden", !fits);
    all += 1;
    left += fits;
  }
  matches.value = words.length ? `${left} of ${all} rows match` : "";
});
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  // A link must not lead to a row that the filter hides.
  if (target.closest(".hidden") && box.value) { box.value = ""; box.dispatchEvent(new Event("input")); }
  // A requirement is linked to by what it was violated in: what explains it is what is wanted.
  const explained = target.matches("tr") && target.querySelector("details.x");
  if (explained) explained.open = true;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
// On paper: every problem opened; what was met stays a line.
let closed = [];
addEventListener("beforeprint", () => {
  const problems = ["fail", "error", "warn", "inconclusive"].map((v) => `details.v-${v}:not([open])`).join();
  closed = [...document.querySelectorAll(problems)];
  for (const d of closed) d.open = true;
});
addEventListener("afterprint", () => { for (const d of closed) d.open = false; });
let at = -1;
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && document.activeElement === box) { box.value = ""; box.dispatchEvent(new Event("input")); box.blur(); return; }
  if (event.target instanceof HTMLInputElement) return;
  if (event.key === "/") { event.preventDefault(); box.focus(); return; }
  if (event.key !== "j" && event.key !== "k") return;
  const stops = [...document.querySelectorAll("details.s.v-fail,details.s.v-error,details.s.v-warn")].filter((d) => d.offsetParent);
  if (!stops.length) return;
  at = (at + (event.key === "j" ? 1 : -1) + stops.length) % stops.length;
  const stop = stops[at];
  stop.open = true;
  stop.scrollIntoView();
  stop.querySelector("summary").focus({ preventScroll: true });
});
