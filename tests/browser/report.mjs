// A report in Chromium: no message of the console, nothing is loaded, no text runs, axe finds nothing, the controls work with the keyboard,
// and the facts stand there without JavaScript.
//
//     node report.mjs [--paint] PAGE.html…
//
// --paint: tell the time of the first paint, five times each, and check nothing. Chromium: $CHROMIUM, else /usr/bin/chromium.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(resolve(process.env.SEIMAI_BROWSER_TOOLS ?? ".", "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const VIEWS = [
  { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { viewport: { width: 390, height: 844 }, colorScheme: "light" },
  { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
];

const args = process.argv.slice(2);
const paint = args[0] === "--paint";
const pages = (paint ? args.slice(1) : args).map(name => pathToFileURL(resolve(name)).href);
assert(pages.length > 0, "name a page");
// The sandbox of Chromium needs rights that containers lack; only pages of ours are opened.
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

/** Opens a page; what it says, asks for or becomes is told. */
async function open(address, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const told = [];
  page.on("console", message => told.push(message.text()));
  page.on("pageerror", error => told.push(error.message));
  page.on("request", request => request.url() === address || told.push(`asks for ${request.url()}`));
  page.on("dialog", dialog => { told.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(address);
  return { context, page, told };
}

async function accessible(address, view) {
  // axe is put into the page, which its policy forbids to all but this test.
  const { context, page } = await open(address, { ...view, bypassCSP: true });
  await page.evaluate(() => document.querySelectorAll("details").forEach(one => { one.open = true; }));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(rules => axe.run(document, { runOnly: rules }), RULES);
  const found = violations.map(one => `${one.id}: ${one.nodes.length} × ${one.nodes[0].html.slice(0, 200)}`);
  assert.deepEqual(found, [], `${address} ${JSON.stringify(view)}`);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(width <= view.viewport.width, `the page is ${width} wide in a window of ${view.viewport.width}`);
  await context.close();
}

/** Moves thresholds with the keyboard; gives for how many figures followed. */
async function thresholds(address) {
  const { context, page, told } = await open(address, VIEWS[0]);
  const title = await page.title();
  let moved = 0;
  for (const card of await page.locator(".card").filter({ has: page.locator(".whatif input") }).all()) {
    const range = card.locator("input[type=range]");
    const outcome = card.locator(".outcome");
    const before = await outcome.textContent();
    assert.match(before, /: as now\.$/);
    await range.focus();
    // As far as it goes to the side that rejects more or less.
    await page.keyboard.press("End");
    const most = await outcome.textContent();
    await page.keyboard.press("Home");
    const least = await outcome.textContent();
    moved += most !== least;
    assert.equal(await card.locator("svg .moved").getAttribute("visibility"), "visible");
    assert.match(await range.getAttribute("aria-valuetext"), /\d/);
    await card.getByText("By source").first().press("Enter");
    assert(await card.locator(".whatif table").isVisible(), "losses by source");
    await card.getByRole("button", { name: "Back to the plan" }).press("Enter");
    assert.equal(await outcome.textContent(), before, "back to where it was");
  }
  assert.equal(await page.title(), title, "no text of a document ran");
  assert.deepEqual(told, [], address);
  // Whoever tabs comes by links and tables.
  await page.keyboard.press("Control+Home");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "solid", "the focus is seen");
  await context.close();
  return moved;
}

async function withoutPrograms(address) {
  const { context, page, told } = await open(address, { ...VIEWS[0], javaScriptEnabled: false });
  assert(await page.locator("h1").isVisible() && await page.locator("table").first().isVisible());
  assert.equal(await page.locator(".whatif:visible").count(), 0, "controls that would do nothing are not there");
  assert.deepEqual(told, []);
  await page.pdf({ format: "A4" });
  await context.close();
}

let moved = 0;
for (const address of pages) {
  if (paint) {
    const times = [];
    for (let n = 0; n < 5; n += 1) {
      const { context, page } = await open(address, VIEWS[0]);
      await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
      times.push(Math.round(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime)));
      await context.close();
    }
    console.log(JSON.stringify({ page: address.split("/").at(-1), first_paint_ms: times }));
    continue;
  }
  for (const view of VIEWS) await accessible(address, view);
  moved += await thresholds(address);
  await withoutPrograms(address);
}
await browser.close();
if (!paint) {
  assert(moved > 0, "no figure followed a threshold on any page");
  console.log(`${pages.length} pages in ${VIEWS.length} views: nothing to complain of, figures follow ${moved} thresholds`);
}
