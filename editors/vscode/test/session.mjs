// A session in VS Code itself: code-server, which is VS Code served to a browser.
//
//     npm install code-server playwright-core      (in a folder of its own)
//     npx code-server --install-extension archdsl.vsix
//     npx code-server --auth none --bind-addr 127.0.0.1:8799
//     NODE_PATH=node_modules node session.mjs http://127.0.0.1:8799 FOLDER FILE [PICTURE]
//
// It opens FILE of FOLDER and shows the diagram, prints each mistake and takes its first
// quick fix, and prints the lines with the shapes behind them, what is told of `gap`, and
// which net the diagram shows. $CHROMIUM is the browser.
import { createRequire } from "node:module";
import process from "node:process";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const [address, folder, file, picture] = process.argv.slice(2);
const say = (...words) => console.log(words.join(" ").replaceAll("\u00a0", " ").trimEnd());

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage({ viewport: { width: 1240, height: 640 }, deviceScaleFactor: 2 });
page.setDefaultTimeout(60_000);
try {
  await page.goto(`${address}/?folder=${encodeURIComponent(folder)}`);
  await page.getByRole("treeitem", { name: file }).dblclick();
  await page.locator(".squiggly-error").first().waitFor();
  say("language", await page.locator(".statusbar-item[id='status.editor.mode']").innerText());

  // Room for the text and the pane.
  await page.keyboard.press("Control+B");
  // The pane with what is known of the wrong net.
  await page.keyboard.press("Control+K");
  await page.keyboard.press("v");
  const diagram = await shown();
  say("diagram", await diagram.locator("#text").innerText());

  await page.locator(".monaco-editor .view-line").first().click();
  const wrong = page.locator(".squiggly-error");
  for (let tries = 0; tries < 9 && (await wrong.count()) > 0; tries += 1) {
    await page.keyboard.press("F8");
    const found = page.locator(".marker-widget .descriptioncontainer");
    await found.waitFor();
    say("finding", (await found.innerText()).replaceAll("\n", " / "));
    await page.keyboard.press("Escape");
    await found.waitFor({ state: "hidden" });
    await page.keyboard.press("Control+.");
    const fix = page.locator(".action-widget .action");
    await fix.first().waitFor();
    say("quick fix", await fix.first().innerText());
    if (picture && tries === 0) await page.screenshot({ path: picture });
    const before = await page.locator(".view-lines").first().innerText();
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (text) => document.querySelector(".view-lines")?.innerText !== text, before);
    await page.waitForTimeout(3000);
  }
  say("findings left", String(await wrong.count()));

  const lines = page.locator(".monaco-editor .view-line");
  await page.waitForFunction(() => document.querySelectorAll(".view-line").length > 4);
  await page.waitForTimeout(2000);
  const texts = await lines.evaluateAll((all) =>
    all
      .map((line) => [Number.parseInt(line.style.top, 10), line.textContent])
      .sort((a, b) => a[0] - b[0])
      .map(([, text]) => text),
  );
  for (const text of texts) say("text", text);

  await page.getByText("gap", { exact: true }).first().hover();
  const told = page.locator(".monaco-hover .hover-contents").first();
  await told.waitFor();
  say("hover", (await told.innerText()).replaceAll(/\s*\n\s*/g, " / "));
  await diagram.locator("#told").waitFor({ state: "hidden" });
  say("diagram", await diagram.locator("svg").first().getAttribute("aria-label"));
} finally {
  await browser.close();
}

/** The pane's frame, once it has a picture. */
async function shown() {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    for (const frame of page.frames()) {
      if (await frame.locator("#paper svg").count().catch(() => 0)) return frame;
    }
    await page.waitForTimeout(200);
  }
  throw new Error("the pane shows no picture");
}
