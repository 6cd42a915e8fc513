// Opens HTML pages of txspec in a real Chromium and fails on what a reader would trip over.
//
//   node check.mjs CHROMIUM [--screenshots FOLDER] KIND=PAGE.html...      KIND: report, comparison, gate, or
//   server (a report that need not hold every sort of evidence)
//
// Every page, in both themes and at both widths: nothing is written to the console, nothing is fetched, nothing sticks
// out sideways, axe-core finds no serious or critical problem. Then by what kind it is: filter, deep links, keys, the
// page without scripts, print. Exit code 1 names every mistake.

import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const THEMES = ["light", "dark"];
const WIDTHS = [1280, 390];
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { screenshots: { type: "string" } },
});
const [executablePath, ...pages] = positionals;
if (!executablePath || !pages.length) {
  console.error("usage: node check.mjs CHROMIUM [--screenshots FOLDER] KIND=PAGE.html...");
  process.exit(2);
}

const mistakes = [];
let facts = 0;
function expect(holds, where, what) {
  facts += 1;
  if (!holds) mistakes.push(`${where}: ${what}`);
}

// A page under watch: what it writes to the console, throws or asks the network for is a mistake.
async function open(browser, file, where, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const address = pathToFileURL(resolve(file)).href;
  page.on("console", (m) => mistakes.push(`${where}: console ${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => mistakes.push(`${where}: script error: ${e.message}`));
  page.on("request", (r) => {
    if (r.url().split("#")[0] !== address) mistakes.push(`${where}: asks for ${r.url()}`);
  });
  await page.goto(address);
  return page;
}

const sideways = () => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide <= 0) return "";
  const culprit = [...document.querySelectorAll("main *, header *, nav *")].find(
    (e) => !e.closest(".wide") && e.getBoundingClientRect().right > innerWidth + 1,
  );
  return `${wide} px stick out sideways, at ${culprit?.outerHTML.slice(0, 120)}`;
};

// A word broken between any two letters: a column so narrow that nobody can read it.
const crushed = () =>
  [...document.querySelectorAll("th, td")]
    .filter((cell) => cell.offsetParent && cell.textContent.trim().length > 3 && cell.clientWidth < 30)
    .map((cell) => cell.textContent.trim().slice(0, 40))[0] ?? "";

async function axe(page, where) {
  // The page's own policy admits no other script; the driver evaluates outside of it.
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, at: nodes[0].html, nodes: nodes.length }));
  });
  for (const { id, impact, help, at, nodes } of found) {
    const text = `axe ${impact} ${id} (${nodes}): ${help}, at ${at.slice(0, 160)}`;
    if (impact === "serious" || impact === "critical") mistakes.push(`${where}: ${text}`);
    else console.log(`note ${where}: ${text}`);
  }
  return found.length;
}

async function everywhere(browser, kind, file) {
  for (const colorScheme of THEMES) {
    for (const width of WIDTHS) {
      const where = `${kind} ${basename(dirname(file))}/${basename(file)}, ${colorScheme}, ${width} px`;
      const page = await open(browser, file, where, { colorScheme, viewport: { width, height: 900 } });
      const stick = await page.evaluate(sideways);
      expect(!stick, where, stick);
      const narrow = await page.evaluate(crushed);
      expect(!narrow, where, `a cell is crushed: ${narrow}`);
      const [back, front] = await page.evaluate(() => {
        const style = getComputedStyle(document.body);
        return [style.backgroundColor, style.color].map((c) => Number(c.match(/\d+/)[0]));
      });
      expect(colorScheme === "dark" ? back < 60 && front > 180 : back > 200 && front < 80, where, "the theme does not show");
      const headline = await page.evaluate(() => document.querySelector("h1").getBoundingClientRect().bottom < innerHeight);
      expect(headline, where, "the conclusion is not on the first screen");
      const found = await axe(page, where);
      console.log(`${where}: ${found} axe findings`);
      if (values.screenshots) {
        await page.screenshot({ path: join(values.screenshots, `${kind}-${colorScheme}-${width}.png`) });
      }
      await page.context().close();
    }
  }
}

const shownRows = (page) => page.evaluate(() => [...document.querySelectorAll(".r")].filter((r) => r.checkVisibility()).length);

async function filter(browser, file, where) {
  const page = await open(browser, file, where, { viewport: { width: 1280, height: 900 } });
  const all = await shownRows(page);
  const id = await page.evaluate(() => document.querySelector("details.s").id);
  await page.keyboard.press("/");
  expect(await page.evaluate(() => document.activeElement.id === "filter"), where, "the key / does not reach the filter");
  await page.keyboard.type(id.toUpperCase());
  const few = await shownRows(page);
  expect(few > 0 && few < all, where, `the filter leaves ${few} of ${all} rows`);
  expect(await page.evaluate((i) => document.getElementById(i).checkVisibility(), id), where, "the filter hides what matches");
  expect((await page.locator("#matches").textContent()).includes(" of "), where, "the filter does not say how much it left");
  await page.locator("#filter").fill("no such words anywhere");
  expect((await shownRows(page)) === 0, where, "rows are left that do not match");
  await page.locator("#filter").press("Escape");
  expect((await shownRows(page)) === all, where, "Escape does not bring the rows back");
  await page.locator("#t-pass").uncheck();
  const unchecked = await page.evaluate(() => [...document.querySelectorAll(".r.v-pass")].some((r) => r.checkVisibility()));
  expect(!unchecked, where, "what passed is shown although it is switched off");
  await page.context().close();
}

async function deepLink(browser, file, where) {
  const probe = await open(browser, file, where, {});
  // The last scenario is closed: the link must open it. A requirement is a row far down.
  const ids = await probe.evaluate(() => [
    [...document.querySelectorAll("details.s:not([open])")].at(-1)?.id,
    [...document.querySelectorAll("tr[id]")].at(-1)?.id,
  ]);
  await probe.context().close();
  for (const id of ids.filter(Boolean)) {
    const page = await open(browser, file, where, { viewport: { width: 390, height: 900 } });
    await page.goto(`${pathToFileURL(resolve(file)).href}#${id}`);
    await page.waitForTimeout(50);
    const [inView, isOpen] = await page.evaluate((i) => {
      const target = document.getElementById(i);
      const { top } = target.getBoundingClientRect();
      return [top >= 0 && top < innerHeight, target.tagName !== "DETAILS" || target.open];
    }, id);
    expect(inView, where, `the link to ${id} does not lead there`);
    expect(isOpen, where, `the link to ${id} leaves it closed`);
    await page.context().close();
  }
  expect(ids[1], where, "there is no row to link to");
}

async function links(browser, file, where) {
  const page = await open(browser, file, where, {});
  const dead = await page.evaluate(() =>
    [...document.querySelectorAll('a[href^="#"]')]
      .map((a) => decodeURIComponent(a.hash.slice(1)))
      .filter((id) => !document.getElementById(id)),
  );
  expect(dead.length === 0, where, `links lead nowhere: ${[...new Set(dead)].slice(0, 5).join(", ")}`);
  await page.context().close();
}

// What an architect needs of a comparison: the table of servers and the legend before any matrix, every sign in words, heads
// that stay in sight and name their servers, and wherever a table scrolls sideways, a hint and a first column that stays.
async function sideBySide(browser, file, where) {
  for (const width of [1280, 1000, 720]) {
    const at = `${where}, ${width} px`;
    const page = await open(browser, file, at, { viewport: { width, height: 900 } });
    const facts = await page.evaluate(() => {
      const matrices = [...document.querySelectorAll(".matrix")];
      const before = (e) => matrices.every((m) => e.compareDocumentPosition(m) & Node.DOCUMENT_POSITION_FOLLOWING);
      const boxes = [...document.querySelectorAll(".wide:has(> .matrix)")];
      const scrolls = (e) => e.scrollWidth > e.clientWidth + 1;
      return {
        order: before(document.querySelector(".summary")) && before(document.querySelector(".legend")),
        servers: document.querySelectorAll(".summary tbody tr").length,
        heads: matrices.map((m) => m.querySelectorAll("thead th").length - 1),
        nameless: [...document.querySelectorAll(".matrix thead th")].filter((th) => !th.innerText.trim()).length,
        mute: [...document.querySelectorAll(".matrix .chip")].filter((c) => !/\p{L}/u.test(c.textContent)).length,
        hidden: boxes.filter((b) => scrolls(b) && !(b.previousElementSibling?.matches(".hint") && b.previousElementSibling.checkVisibility())).length,
        loose: boxes.filter((b) => scrolls(b) && getComputedStyle(b.querySelector("tbody th")).position !== "sticky").length,
        folded: [...document.querySelectorAll(".matrix")].filter((m) => m.getBoundingClientRect().right > innerWidth + 1 && !m.closest(".wide")).length,
      };
    });
    expect(facts.order, at, "a matrix stands before the table of servers or the legend");
    expect(facts.heads.every((n) => n === facts.servers), at, `${facts.heads} columns for ${facts.servers} servers`);
    expect(facts.nameless === 0, at, `${facts.nameless} columns have no name`);
    expect(facts.mute === 0, at, `${facts.mute} signs are not put into words`);
    expect(facts.hidden === 0, at, `${facts.hidden} tables scroll sideways and do not say so`);
    expect(facts.loose === 0, at, `${facts.loose} tables scroll their first column away`);
    expect(facts.folded === 0, at, `${facts.folded} tables stick out`);
    // A head stays in sight while its rows pass by.
    const tall = await page.evaluate(() => {
      const table = [...document.querySelectorAll(".matrix")].sort((a, b) => b.offsetHeight - a.offsetHeight)[0];
      if (!table || table.offsetHeight < 1200) return "";
      table.querySelector("tbody tr:last-child").scrollIntoView({ block: "end" });
      const head = table.querySelector("thead th").getBoundingClientRect();
      return head.top >= 0 && head.bottom < innerHeight ? "" : `the head is at ${head.top}`;
    });
    expect(!tall, at, tall);
    await page.context().close();
  }
}

// Decoded tokens are text, chains of actors are lists that say what they are, every section has its words beside the bar.
async function evidence(browser, file, where) {
  const page = await open(browser, file, where, { viewport: { width: 390, height: 900 } });
  const first = page.locator("[id^=token-]").first();
  const id = await first.getAttribute("id");
  await page.goto(`${pathToFileURL(resolve(file)).href}#${id}`);
  expect(await first.isVisible(), where, `the link to ${id} leaves it closed`);
  const facts = await page.evaluate(() => ({
    decoded: document.querySelectorAll(".token pre").length,
    chains: [...document.querySelectorAll("ol.chain")].map((c) => [c.getAttribute("aria-label"), c.children.length]),
    mute: [...document.querySelectorAll(".section")].filter((s) => s.querySelector(".bar") && !s.querySelector("th .chip")).length,
    bars: document.querySelectorAll(".section .bar").length,
    unexplained: [...document.querySelectorAll("tr.r.v-fail[id]")].filter((r) => !r.querySelector("details.x")).length,
  }));
  expect(facts.decoded > 0, where, "no token is shown decoded");
  expect(facts.chains.some(([, length]) => length > 1), where, "no chain of actors is drawn");
  expect(facts.chains.every(([label]) => label), where, "a chain has no name");
  expect(facts.bars > 10 && facts.mute === 0, where, `${facts.mute} of ${facts.bars} bars of sections have no words beside them`);
  expect(facts.unexplained === 0, where, `${facts.unexplained} violated requirements are not explained`);
  await page.context().close();
}

async function keyboard(browser, file, where) {
  const page = await open(browser, file, where, { viewport: { width: 1280, height: 900 } });
  await page.keyboard.press("Tab");
  const skip = await page.evaluate(() => {
    const { left } = document.activeElement.getBoundingClientRect();
    return document.activeElement.className === "skip" && left >= 0;
  });
  expect(skip, where, "the first Tab does not show the skip link");
  for (let i = 0; i < 3; i += 1) {
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return document.activeElement !== document.body && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    });
    expect(outline, where, `stop ${i + 2} of Tab has no focus outline`);
  }
  await page.context().close();
}

async function problems(browser, file, where) {
  const page = await open(browser, file, where, { viewport: { width: 1280, height: 900 } });
  if (!(await page.locator("details.s:is(.v-fail, .v-error, .v-warn)").count())) return page.context().close();
  const visited = [];
  for (const key of ["j", "j", "k"]) {
    await page.keyboard.press(key);
    visited.push(await page.evaluate(() => document.activeElement.closest("details.s")?.id ?? ""));
  }
  expect(visited[0] && visited[1] && visited[0] !== visited[1] && visited[2] === visited[0], where, `j, j, k visit ${visited}`);
  const summary = page.locator("details.s summary").last();
  await summary.focus();
  const before = await page.evaluate(() => document.activeElement.parentElement.open);
  await page.keyboard.press("Enter");
  expect((await page.evaluate(() => document.activeElement.parentElement.open)) !== before, where, "Enter does not open a scenario");
  await page.context().close();
}

async function withoutScripts(browser, file, where) {
  const page = await open(browser, file, where, { javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  const text = await page.locator("body").innerText();
  expect(text.length > 500, where, "there is next to nothing to read without scripts");
  expect((await page.locator("#filter").count()) === 0 || !(await page.locator("#filter").isVisible()), where, "a dead filter is shown");
  const closed = page.locator("details.s:not([open]) summary").first();
  if (await closed.count()) {
    await closed.click();
    expect(await page.locator("details.s[open]").count(), where, "scenarios do not open without scripts");
  }
  await page.context().close();
}

async function print(browser, file, where) {
  const page = await open(browser, file, where, { viewport: { width: 800, height: 1100 }, colorScheme: "dark" });
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  const nav = await page.evaluate(() => [...document.querySelectorAll("nav")].some((n) => n.checkVisibility()));
  expect(!nav, where, "the navigation is printed");
  const stick = await page.evaluate(sideways);
  expect(!stick, where, stick);
  const shut = await page.evaluate(() => document.querySelectorAll("details.v-fail:not([open])").length);
  expect(shut === 0, where, `${shut} failures are printed closed`);
  const back = await page.evaluate(() => Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0]));
  expect(back > 200, where, "it prints on a dark ground");
  const pdf = await page.pdf({ format: "A4" });
  expect(pdf.subarray(0, 5).toString() === "%PDF-", where, "no PDF comes out");
  await page.context().close();
}

const browser = await chromium.launch({
  executablePath,
  // Containers run as root, where Chromium has no sandbox; the pages are our own and ask for nothing.
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});
try {
  console.log(`Chromium ${browser.version()}`);
  for (const given of pages) {
    const [kind, file] = [given.slice(0, given.indexOf("=")), given.slice(given.indexOf("=") + 1)];
    if (!["report", "server", "comparison", "gate"].includes(kind)) throw new Error(`unknown kind of page: ${given}`);
    const size = statSync(file).size;
    console.log(`${kind} ${file}: ${size} bytes`);
    expect(size < 1_500_000, file, `${size} bytes: 1.5 MB or more`);
    const at = (what) => `${kind} ${basename(file)}, ${what}`;
    const looks = [
      ["every theme and width", () => everywhere(browser, kind, file)],
      ["links", links],
      ["no scripts", withoutScripts],
      ["print", print],
    ];
    if (kind !== "gate") looks.push(["keyboard", keyboard], ["deep link", deepLink]);
    if (kind === "report" || kind === "server") looks.push(["filter", filter], ["problems", problems]);
    if (kind === "report") looks.push(["evidence", evidence]);
    if (kind === "comparison") looks.push(["side by side", sideBySide]);
    for (const [what, look] of looks) {
      // A page so broken that a look cannot end is one mistake more; the other looks are still taken.
      await look(browser, file, at(what)).catch((e) => mistakes.push(`${at(what)}: ${e.message.split("\n")[0]}`));
    }
  }
} finally {
  await browser.close();
}
console.log(`${pages.length} pages, ${facts} facts checked, ${mistakes.length} mistakes`);
for (const mistake of mistakes) console.log(`MISTAKE ${mistake}`);
process.exit(mistakes.length ? 1 : 0);
