// A visit in a browser, from the start page to a response in the playground. node browser.mjs START_PAGE PICTURES [KEY]
//
// An error in the page's console and a request to another host fail the visit.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const [startPage, pictures, key] = process.argv.slice(2);
const PATIENCE_MS = 60_000;

const names = ["chromium", "chromium-browser", "google-chrome"];
const folders = (process.env.PATH ?? "").split(delimiter);
const executablePath = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
if (!executablePath) {
  console.error("Chromium is missing: run ./scripts/check --install");
  process.exit(1);
}
mkdirSync(pictures, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "deskgraph-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: { width: 1440, height: 900 },
  // Chromium's own sandbox does not work for root on build servers. The rest keeps Chromium from calling other hosts.
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

// The response in the playground, once there is one: the editor has only visible lines in the page.
const shownAnswer = () => {
  const models = globalThis.__MONACO?.editor.getModels() ?? [];
  return models.find((model) => model.uri.path.endsWith("response.json"))?.getValue();
};

const faults = [];
const hosts = new Set();
const picture = (page, name) => page.screenshot({ path: join(pictures, `${name}.png`) });

try {
  context.setDefaultTimeout(PATIENCE_MS);
  const page = context.pages()[0] ?? (await context.newPage());
  page.on("request", (request) => hosts.add(new URL(request.url()).host || new URL(request.url()).protocol));
  page.on("pageerror", (error) => faults.push(`a script failed: ${error.message}`));
  page.on("console", (message) => {
    // The browser logs the error that the playground got before it had the key.
    const isRefusal = key && message.text().includes("401");
    if (message.type() === "error" && !isRefusal) faults.push(`the console says: ${message.text()}`);
  });

  await page.goto(startPage);
  await page.getByRole("heading", { name: "deskgraph", level: 1 }).waitFor();
  await picture(page, "start-page");
  await page.emulateMedia({ colorScheme: "dark" });
  await picture(page, "start-page-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.getByRole("link", { name: "README" }).click();
  await page.getByRole("heading", { name: "Try it" }).waitFor();
  await picture(page, "readme");
  await page.goBack();

  await page.getByRole("link", { name: "Playground" }).click();
  if (key) {
    // The error says what is needed.
    await page.waitForFunction(shownAnswer);
    await page.getByLabel("API key or token").fill(key);
    await page.getByLabel("API key or token").press("Enter");
  }

  // The explorer's list of types.
  await page.getByRole("link", { name: "ServiceRecord", exact: true }).click();
  await page.locator(".graphiql-doc-explorer-title", { hasText: "ServiceRecord" }).waitFor();

  const tabs = await page.locator(".graphiql-tab-button").allTextContents();
  console.log(`tabs: ${tabs.join(", ")}`);
  for (const [number, tab] of tabs.entries()) {
    await page.locator(".graphiql-tab-button", { hasText: tab }).click();
    await page.getByRole("button", { name: "Execute query" }).click();
    const answer = await (await page.waitForFunction(shownAnswer)).jsonValue();
    const { data, errors } = JSON.parse(answer);
    console.log(`${tab}: ${errors ? JSON.stringify(errors) : Object.keys(data).join(", ")}`);
    await picture(page, `playground-${number + 1}`);
  }
  await page.emulateMedia({ colorScheme: "dark" });
  await page.reload();
  await page.getByRole("link", { name: "ServiceRecord", exact: true }).waitFor();
  await picture(page, "playground-dark");

  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }));
  console.log(`kept for later visits: ${stored}`);
} catch (error) {
  faults.push(error.message);
  for (const page of context.pages()) await picture(page, "failure");
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}

console.log(`hosts: ${[...hosts].join(", ")}`);
for (const fault of faults) console.log(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
