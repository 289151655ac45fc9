// The preview's page in a browser without a window: what it does, and how it looks.
//
//     node test/page.js PICTURES.json [FOLDER]
//
// PICTURES.json holds answers of `archdsl/picture` by name, as tests/test_vscode.py asks
// for them. The page is the extension's own, with its policy; a stand-in takes the place
// of VS Code. What was found is printed as JSON. With a folder, pictures of the page are
// written there instead. $CHROMIUM is the browser.
"use strict";

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { page } = require("../src/page");

const MEDIA = path.join(__dirname, "..", "media");
const NONCE = "0123456789abcdef";

// The colours of VS Code's own themes, as far as the page uses them.
const THEMES = {
  light: {
    "editor-background": "#ffffff",
    foreground: "#3b3b3b",
    descriptionForeground: "#3b3b3b",
    "panel-border": "#e5e5e5",
    "dropdown-background": "#ffffff",
    "dropdown-foreground": "#3b3b3b",
    "dropdown-border": "#cecece",
    "button-background": "#005fb8",
    "button-foreground": "#ffffff",
    "button-secondaryBackground": "#e5e5e5",
    "button-secondaryForeground": "#3b3b3b",
    "button-secondaryHoverBackground": "#cccccc",
    "editorError-foreground": "#e51400",
    focusBorder: "#005fb8",
  },
  dark: {
    "editor-background": "#1f1f1f",
    foreground: "#cccccc",
    descriptionForeground: "#9d9d9d",
    "panel-border": "#2b2b2b",
    "dropdown-background": "#313131",
    "dropdown-foreground": "#cccccc",
    "dropdown-border": "#3c3c3c",
    "button-background": "#0078d4",
    "button-foreground": "#ffffff",
    "button-secondaryBackground": "#313131",
    "button-secondaryForeground": "#cccccc",
    "button-secondaryHoverBackground": "#3c3c3c",
    "editorError-foreground": "#f14c4c",
    focusBorder: "#0078d4",
  },
};

/**
 * The page with a stand-in for VS Code, and a script that is run when it is there.
 * @param {keyof typeof THEMES} theme
 * @param {string} script
 * @param {object} [kept] what VS Code has kept of it
 */
function standing(theme, script, kept = {}) {
  const source = pathToFileURL(MEDIA).toString();
  const made = page({
    nonce: NONCE,
    // A page of a file has no origin that a policy could name.
    source: "file:",
    style: `${source}/preview.css`,
    script: `${source}/preview.js`,
  });
  const before = `<script nonce="${NONCE}">
    const colours = ${JSON.stringify(THEMES[theme])};
    for (const [name, value] of Object.entries(colours)) {
      document.documentElement.style.setProperty("--vscode-" + name, value);
    }
    document.documentElement.style.colorScheme = "${theme}";
    window.sent = []; window.refused = []; window.kept = ${JSON.stringify(kept)};
    document.addEventListener("securitypolicyviolation", (event) =>
      window.refused.push(event.violatedDirective + " " + event.blockedURI));
    window.addEventListener("error", (event) => window.refused.push(event.message));
    window.acquireVsCodeApi = () => ({
      postMessage: (message) => window.sent.push(message),
      getState: () => window.kept,
      setState: (state) => (window.kept = structuredClone(state)),
    });
  </script>`;
  return made
    .replace("<body>", `<body>${before}`)
    .replace("</body>", `<script nonce="${NONCE}">${script}</script></body>`);
}

/**
 * @param {string} html
 * @param {string[]} options
 */
function browsed(html, options) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "archdsl-page-"));
  try {
    const file = path.join(folder, "page.html");
    fs.writeFileSync(file, html);
    const done = spawnSync(
      process.env.CHROMIUM ?? "chromium",
      [
        ...["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
        ...["--no-first-run", "--disable-extensions", "--disable-background-networking"],
        `--user-data-dir=${folder}/profile`,
        "--virtual-time-budget=3000",
        ...options,
        pathToFileURL(file).toString(),
      ],
      { encoding: "utf8", timeout: 60_000, maxBuffer: 1 << 28 },
    );
    if (done.status !== 0) throw new Error(`${done.error ?? ""} ${done.stderr}`);
    return done.stdout;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

// Runs in the page.
const SCENARIO = async (/** @type {Record<string, any>} */ pictures) => {
  const at = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
  const root = at("paper").shadowRoot;
  const turn = () => new Promise((resolve) => setTimeout(resolve, 50));
  const show = async (/** @type {string} */ name) => {
    window.postMessage({ type: "picture", uri: "file:///net.arch", name: "net.arch", ...pictures[name] }, "*");
    await turn();
  };
  const looks = () => ({
    picture: root.querySelector("svg")?.getAttribute("aria-label") ?? null,
    told: at("told").hidden ? "" : at("text").textContent,
    kept: at("stage").classList.contains("kept"),
    zoom: at("natural").textContent,
    net: at("net").value,
    nets: at("nets").hidden ? 0 : at("net").options.length,
    toggle: at("mistakes").hidden ? "" : at("mistakes").textContent,
  });
  /** @type {Record<string, any>} */
  const found = {};
  await turn();
  found.first = looks();
  await show("mistakes");
  found.begun = looks();
  await show("good");
  found.good = looks();
  found.fill = getComputedStyle(root.querySelector("rect.con")).fill;
  found.weight = getComputedStyle(root.querySelector("text.k")).fontWeight;
  const box = at("stage").getBoundingClientRect();
  const drawn = root.querySelector("svg").getBoundingClientRect();
  found.inside = drawn.left >= box.left && drawn.right <= box.right && drawn.top >= box.top && drawn.bottom <= box.bottom;
  at("in").click();
  at("in").click();
  found.larger = looks().zoom;
  await show("good");
  found.stays = looks().zoom;
  const { clientWidth, clientHeight } = at("stage");
  const middle = { clientX: box.left + clientWidth / 2, clientY: box.top + clientHeight / 2 };
  const press = (/** @type {string} */ type, /** @type {object} */ where) =>
    at("stage").dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, pointerId: 1, ...where }));
  at("natural").click();
  for (let step = 0; step < 8; step += 1) at("in").click();
  const before = [at("stage").scrollLeft, at("stage").scrollTop];
  at("stage").setPointerCapture = () => {};
  press("pointerdown", middle);
  press("pointermove", { clientX: middle.clientX - 30, clientY: middle.clientY - 20 });
  press("pointerup", middle);
  found.pulled = [at("stage").scrollLeft - before[0], at("stage").scrollTop - before[1]];
  at("fit").click();
  const target = root.querySelector("g.go rect.con").getBoundingClientRect();
  const place = { clientX: target.left + 2, clientY: target.top + target.height / 2 };
  press("pointerdown", place);
  press("pointerup", place);
  await show("unread");
  found.unread = looks();
  await show("wrong");
  found.wrong = looks();
  at("mistakes").click();
  await show("mistakes");
  found.mistakes = looks();
  await show("good");
  found.mended = looks();
  await show("other");
  found.other = looks();
  await show("refused");
  found.refused = looks();
  found.violations = [.../** @type {any} */ (window).refused];
  await show("hostile");
  found.hostile = [root.querySelectorAll("script, foreignObject").length, /** @type {any} */ (window).harmed ?? "no"];
  at("net").value = "toy";
  at("net").dispatchEvent(new Event("change"));
  at("view").value = "volumes";
  at("view").dispatchEvent(new Event("change"));
  found.sent = /** @type {any} */ (window).sent;
  const text = document.createElement("pre");
  text.id = "found";
  text.textContent = JSON.stringify(found);
  document.body.append(text);
};

/** @param {Record<string, any>} pictures */
function tried(pictures) {
  const script = `(${SCENARIO})(${JSON.stringify(pictures).replaceAll("<", "\\u003c")});`;
  const dom = browsed(standing("light", script), ["--dump-dom", "--window-size=900,640"]);
  const found = /<pre id="found">(.*?)<\/pre>/s.exec(dom);
  if (found === null) throw new Error(`the page did not get to its end:\n${dom}`);
  const text = found[1].replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  return JSON.parse(text);
}

/**
 * @param {Record<string, any>} pictures
 * @param {string} folder
 */
function shots(pictures, folder) {
  for (const [name, { theme, size, zoom, kept, messages }] of Object.entries(pictures)) {
    const script = `
      for (const message of ${JSON.stringify(messages).replaceAll("<", "\\u003c")}) {
        window.dispatchEvent(new MessageEvent("message", { data: message }));
      }
      for (let step = 0; step < ${zoom ?? 0}; step += 1) document.getElementById("in").click();`;
    const file = path.join(folder, `${name}.png`);
    const [wide, high] = size;
    const scale = "--force-device-scale-factor=2";
    browsed(standing(theme, script, kept), [`--screenshot=${file}`, `--window-size=${wide},${high}`, scale]);
  }
}

const pictures = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
if (process.argv[3] === undefined) console.log(JSON.stringify(tried(pictures)));
else shots(pictures, process.argv[3]);
