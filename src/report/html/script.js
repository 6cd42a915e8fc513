"use strict";
// The page is complete without this: filtering by text, opening what a link points at, keys, and printing.
const box = document.getElementById("filter");
const rows = () => document.querySelectorAll(".r");
box.closest("label").classList.remove("hidden");
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows()) {
    const text = row.textContent.toLowerCase();
    row.classList.toggle("hidden", !words.every((word) => text.includes(word)));
  }
});
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
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
