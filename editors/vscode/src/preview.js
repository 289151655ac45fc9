// The pane with the diagram of the text that is being written.
"use strict";

const crypto = require("node:crypto");
const path = require("node:path");
const vscode = require("vscode");
const { page } = require("./page");

const TYPE = "archdsl.diagram";
const LANGUAGE = "arch";
const PICTURE = "archdsl/picture";

/**
 * What is to be drawn, as `archdsl/picture` takes it.
 * @typedef {{ net?: string, view?: string, direction?: string, depth?: number, mistakes?: boolean }} Asked
 */

class Preview {
  /**
   * @param {vscode.Uri} extension
   * @param {{
   *   ask(method: string, parameters: object): Promise<any>,
   *   onChecked: vscode.Event<vscode.Uri>,
   *   onChanged: vscode.Event<void>,
   * }} server
   */
  constructor(extension, server) {
    this.extension = extension;
    this.server = server;
    /** @type {vscode.WebviewPanel | undefined} */
    this.panel = undefined;
    /** @type {vscode.Uri | undefined} */
    this.uri = undefined;
    /** @type {Asked} */
    this.asked = {};
    // Whether a picture is asked for, and whether to ask once more after that.
    this.asking = false;
    this.again = false;
    this.parts = [
      server.onChecked((uri) => {
        if (uri.toString() === this.uri?.toString()) void this.draw();
      }),
      server.onChanged(() => void this.draw()),
      vscode.window.onDidChangeActiveTextEditor((editor) => this.follow(editor)),
      vscode.window.onDidChangeActiveColorTheme(() => void this.draw()),
      vscode.window.registerWebviewPanelSerializer(TYPE, {
        deserializeWebviewPanel: async (panel, /** @type {any} */ state) => {
          if (typeof state?.uri === "string") this.uri = vscode.Uri.parse(state.uri);
          this.take(panel);
        },
      }),
    ];
  }

  dispose() {
    this.panel?.dispose();
    for (const part of this.parts) part.dispose();
  }

  /** Show the pane, with the text of the editor at hand. */
  show() {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.languageId === LANGUAGE) this.uri = editor.document.uri;
    if (this.uri === undefined) {
      void vscode.window.showInformationMessage("Open a file that ends in .arch first.");
      return;
    }
    if (this.panel !== undefined) {
      this.panel.reveal(undefined, true);
      void this.draw();
      return;
    }
    this.take(
      vscode.window.createWebviewPanel(
        TYPE,
        "Diagram",
        { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
        { enableFindWidget: true },
      ),
    );
  }

  /** @param {vscode.WebviewPanel} panel */
  take(panel) {
    const media = vscode.Uri.joinPath(this.extension, "media");
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [media] };
    const address = (/** @type {string} */ name) =>
      webview.asWebviewUri(vscode.Uri.joinPath(media, name)).toString();
    this.panel = panel;
    panel.onDidDispose(() => (this.panel = undefined));
    webview.onDidReceiveMessage((message) => this.told(message));
    webview.html = page({
      nonce: crypto.randomBytes(16).toString("hex"),
      source: webview.cspSource,
      style: address("preview.css"),
      script: address("preview.js"),
    });
  }

  /** @param {vscode.TextEditor | undefined} editor */
  follow(editor) {
    const document = editor?.document;
    if (document?.languageId !== LANGUAGE || this.panel === undefined) return;
    if (document.uri.toString() === this.uri?.toString()) return;
    this.uri = document.uri;
    void this.draw();
  }

  /** @param {{ type: string, asked?: Asked, line?: number }} message */
  told(message) {
    if (message.type === "ask") {
      this.asked = message.asked ?? {};
      void this.draw();
    } else if (message.type === "go" && message.line !== undefined) {
      void this.go(message.line);
    }
  }

  /** Ask for a picture and show it: one at a time, and the last text is always drawn. */
  async draw() {
    this.again = true;
    if (this.asking) return;
    this.asking = true;
    try {
      while (this.again && this.panel !== undefined && this.uri !== undefined) {
        this.again = false;
        await this.once(this.uri);
      }
    } finally {
      this.asking = false;
    }
  }

  /** @param {vscode.Uri} uri */
  async once(uri) {
    const name = path.posix.basename(uri.path);
    const text = { uri: uri.toString(), name };
    let made;
    try {
      made = await this.server.ask(PICTURE, {
        textDocument: { uri: text.uri },
        theme: isDark(vscode.window.activeColorTheme.kind) ? "dark" : "light",
        ...this.asked,
      });
    } catch (problem) {
      const message = problem instanceof Error ? problem.message : String(problem);
      made = { nets: [], net: null, svg: null, message, wrong: false };
    }
    if (this.panel === undefined) return;
    this.panel.title = `Diagram of ${name}`;
    await this.panel.webview.postMessage({ type: "picture", ...text, ...made });
  }

  /**
   * Show where something in the picture is written.
   * @param {number} line counted from 1
   */
  async go(line) {
    if (this.uri === undefined) return;
    const shown = vscode.window.visibleTextEditors.find(
      (editor) => editor.document.uri.toString() === this.uri?.toString(),
    );
    const document = await vscode.workspace.openTextDocument(this.uri);
    const at = document.lineAt(Math.min(line, document.lineCount) - 1);
    await vscode.window.showTextDocument(document, {
      viewColumn: shown?.viewColumn ?? vscode.ViewColumn.One,
      selection: new vscode.Range(
        at.lineNumber,
        at.firstNonWhitespaceCharacterIndex,
        at.lineNumber,
        at.firstNonWhitespaceCharacterIndex,
      ),
    });
  }
}

/** @param {vscode.ColorThemeKind} kind */
function isDark(kind) {
  return kind === vscode.ColorThemeKind.Dark || kind === vscode.ColorThemeKind.HighContrast;
}

module.exports = { Preview };
