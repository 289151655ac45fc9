// The pane and the real language server, with a stand-in for VS Code between them:
//
//     node test/host.js COMMAND ARGUMENTS...
//
// where the command starts the server. What the pane was shown is printed as JSON.
"use strict";

const { spawn } = require("node:child_process");
const Module = require("node:module");
const rpc = require("vscode-jsonrpc/node");

/** @template T */
class Emitter {
  constructor() {
    /** @type {((value: T) => void)[]} */
    this.listeners = [];
    this.event = (/** @type {(value: T) => void} */ listener) => {
      this.listeners.push(listener);
      return { dispose: () => this.listeners.splice(this.listeners.indexOf(listener), 1) };
    };
  }
  /** @param {T} value */
  fire(value) {
    for (const listener of [...this.listeners]) listener(value);
  }
}

const uri = (/** @type {string} */ text) => ({
  path: new URL(text).pathname,
  toString: () => text,
});
const editors = new Emitter();
const themes = new Emitter();
const messages = new Emitter();
/** @type {any[]} */
const shown = [];
const awaited = new Emitter();
const webview = {
  cspSource: "vscode-resource:",
  html: "",
  options: {},
  asWebviewUri: (/** @type {any} */ given) => given,
  onDidReceiveMessage: messages.event,
  postMessage: async (/** @type {any} */ message) => {
    shown.push(message);
    awaited.fire(message);
  },
};
const panel = { webview, title: "", onDidDispose: () => {}, reveal: () => {}, dispose: () => {} };
/** @type {any} */
const vscode = {
  ColorThemeKind: { Light: 1, Dark: 2, HighContrast: 3, HighContrastLight: 4 },
  ViewColumn: { Beside: -2, One: 1 },
  Uri: {
    joinPath: (/** @type {any} */ base, /** @type {string[]} */ ...parts) =>
      uri([base.toString(), ...parts].join("/")),
    parse: uri,
  },
  window: {
    activeColorTheme: { kind: 1 },
    activeTextEditor: undefined,
    onDidChangeActiveTextEditor: editors.event,
    onDidChangeActiveColorTheme: themes.event,
    registerWebviewPanelSerializer: () => ({ dispose: () => {} }),
    createWebviewPanel: () => panel,
    showInformationMessage: (/** @type {string} */ text) => shown.push({ told: text }),
  },
};
const load = /** @type {any} */ (Module)._load;
/** @type {any} */ (Module)._load = (/** @type {string} */ name, /** @type {any[]} */ ...rest) =>
  name === "vscode" ? vscode : load(name, ...rest);
const { Preview } = require("../src/preview");

const ENOUGH = 30_000;

/** The next message to the pane that fits. */
function next(/** @type {(message: any) => boolean} */ fits = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("nothing was shown")), ENOUGH);
    const watch = awaited.event((message) => {
      if (!fits(message)) return;
      clearTimeout(timer);
      watch.dispose();
      resolve(message);
    });
  });
}

async function main() {
  const [command, ...rest] = process.argv.slice(2);
  const server = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(server.stdout),
    new rpc.StreamMessageWriter(server.stdin),
  );
  const checks = new Emitter();
  const changes = new Emitter();
  connection.onNotification("textDocument/publishDiagnostics", (/** @type {any} */ told) =>
    checks.fire(uri(told.uri)),
  );
  connection.listen();
  await connection.sendRequest("initialize", { processId: null, rootUri: null, capabilities: {} });
  await connection.sendNotification("initialized", {});
  let runs = true;
  const preview = new Preview(/** @type {any} */ (uri("file:///extension")), /** @type {any} */ ({
    ask: (/** @type {string} */ method, /** @type {object} */ given) =>
      runs ? connection.sendRequest(method, given) : Promise.reject(new Error("no server")),
    onChecked: checks.event,
    onChanged: changes.event,
  }));

  const name = "untitled:toy.arch";
  let version = 1;
  const text = "net toy { input 3x8x8 | conv 4 3 | relu }\nnet two { input 3x8x8 | conv 8 3 }\n";
  const change = (/** @type {string} */ to) =>
    connection.sendNotification("textDocument/didChange", {
      textDocument: { uri: name, version: (version += 1) },
      contentChanges: [{ text: to }],
    });

  preview.show();
  vscode.window.activeTextEditor = { document: { languageId: "arch", uri: uri(name) } };
  await connection.sendNotification("textDocument/didOpen", {
    textDocument: { uri: name, languageId: "arch", version, text },
  });
  preview.show();
  // The page asks as soon as it is there.
  messages.fire({ type: "ask", asked: { view: "graph" } });
  const first = await next();
  // What is typed fast is drawn at its end, in any case.
  for (const size of [5, 6, 7]) await change(text.replace("conv 4", `conv ${size}`));
  const typed = await next((message) => message.version === 4);
  await change(text.replace("relu }", "relu"));
  const broken = await next((message) => message.version === 5);
  await change(text);
  await next((message) => message.version === 6);
  messages.fire({ type: "ask", asked: { view: "graph", net: "two" } });
  const other = await next((message) => message.net === "two");
  vscode.window.activeColorTheme = { kind: 2 };
  themes.fire(undefined);
  const dark = await next();
  runs = false;
  changes.fire(undefined);
  const ended = await next();

  const page = webview.html;
  const brief = (/** @type {any} */ { svg, uri: _, ...message }) => ({
    ...message,
    svg: svg === null ? null : (/conv 3×3, \d+/.exec(svg)?.[0] ?? svg),
  });
  console.log(
    JSON.stringify({
      none: shown[0],
      first: brief(first),
      typed: brief(typed),
      broken: brief(broken),
      other: brief(other),
      dark: dark.svg !== other.svg,
      ended: brief(ended),
      title: panel.title,
      policy: /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1],
    }),
  );
  await connection.sendRequest("shutdown");
  await connection.sendNotification("exit");
  connection.dispose();
}

main().catch((problem) => {
  console.error(problem);
  process.exit(1);
});
