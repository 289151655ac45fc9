// archdsl in VS Code: the language server, and the diagram beside the text.
"use strict";

const vscode = require("vscode");
const { Preview } = require("./preview");
const { PATH, SETTINGS, Server, onInterpreter } = require("./server");

/** @type {InstanceType<typeof Server> | undefined} */
let server;

/** @param {vscode.ExtensionContext} context */
async function activate(context) {
  const log = vscode.window.createOutputChannel("archdsl", { log: true });
  const made = (server = new Server(log));
  const preview = new Preview(context.extensionUri, made);
  const begin = async () => {
    context.subscriptions.push(
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(`${SETTINGS}.${PATH}`)) void made.restart();
      }),
    );
    await made.restart();
    const watch = await onInterpreter(() => void made.restart());
    if (watch !== undefined) context.subscriptions.push(watch);
  };
  context.subscriptions.push(
    log,
    preview,
    vscode.commands.registerCommand("archdsl.showDiagram", () => preview.show()),
    vscode.commands.registerCommand("archdsl.restartServer", () => made.restart()),
  );
  // A folder may bring a program of its own: it is started only if the folder is trusted.
  if (vscode.workspace.isTrusted) {
    await begin();
  } else {
    context.subscriptions.push(vscode.workspace.onDidGrantWorkspaceTrust(begin));
  }
}

async function deactivate() {
  await server?.stop();
}

module.exports = { activate, deactivate };
