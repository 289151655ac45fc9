// The language server: `archdsl lsp`, found, started, and asked.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { advice, firstThatWorks, ways } = require("./find");

const SETTINGS = "archdsl";
const PATH = "server.path";

class Server {
  /** @param {vscode.LogOutputChannel} log */
  constructor(log) {
    this.log = log;
    /** @type {LanguageClient | undefined} */
    this.client = undefined;
    /** @type {Promise<void>} */
    this.work = Promise.resolve();
    /** @type {vscode.EventEmitter<vscode.Uri>} */
    this.checks = new vscode.EventEmitter();
    /** @type {vscode.EventEmitter<void>} */
    this.changes = new vscode.EventEmitter();
    // A text was checked, and the server has begun or ended.
    this.onChecked = this.checks.event;
    this.onChanged = this.changes.event;
  }

  /** Start it, anew if it runs. */
  restart() {
    return this.next(async () => {
      await this.stopped();
      await this.started();
    });
  }

  stop() {
    return this.next(() => this.stopped());
  }

  /**
   * One thing is done after the other; what fails is logged, and the next is done.
   * @param {() => Promise<void>} step
   */
  next(step) {
    this.work = this.work.then(step).catch((problem) => this.log.error(problem));
    return this.work;
  }

  /**
   * Its answer. Throws if it does not run.
   * @param {string} method
   * @param {object} parameters
   * @returns {Promise<any>}
   */
  ask(method, parameters) {
    if (this.client === undefined) {
      return Promise.reject(new Error("The language server does not run."));
    }
    return this.client.sendRequest(method, parameters);
  }

  async stopped() {
    const client = this.client;
    this.client = undefined;
    this.changes.fire();
    // One that has ended by itself cannot be stopped.
    await client?.dispose().catch((problem) => this.log.warn(problem));
  }

  async started() {
    const folders = (vscode.workspace.workspaceFolders ?? []).map((each) => each.uri.fsPath);
    const setting = vscode.workspace.getConfiguration(SETTINGS).get(PATH, "").trim();
    const { found, failed } = await firstThatWorks(
      ways({
        setting,
        interpreter: await interpreter(),
        folders,
        windows: process.platform === "win32",
      }),
    );
    for (const { way, problem } of failed) {
      this.log.info(`${way.command} (${way.from}): ${problem}`);
    }
    if (found === null) {
      // Nobody waits for what is chosen.
      void this.advise(advice(failed));
      return;
    }
    this.log.info(`${found.command} (${found.from})`);
    const client = new LanguageClient(
      "archdsl",
      "archdsl",
      { command: found.command, args: [...found.args, "lsp"], options: { cwd: folders[0] } },
      {
        documentSelector: [
          { language: "arch", scheme: "file" },
          { language: "arch", scheme: "untitled" },
        ],
        outputChannel: this.log,
        middleware: {
          handleDiagnostics: (uri, diagnostics, next) => {
            next(uri, diagnostics);
            this.checks.fire(uri);
          },
        },
      },
    );
    await client.start();
    this.client = client;
    this.changes.fire();
  }

  /** @param {string} text */
  async advise(text) {
    const open = "Open the Setting";
    const log = "What Was Tried";
    const again = "Try Again";
    const chosen = await vscode.window.showErrorMessage(text, open, log, again);
    if (chosen === open) {
      const query = `${SETTINGS}.${PATH}`;
      await vscode.commands.executeCommand("workbench.action.openSettings", query);
    } else if (chosen === log) {
      this.log.show();
    } else if (chosen === again) {
      await this.restart();
    }
  }
}

/** The API of the Python extension; undefined if that is not there. */
async function python() {
  const extension = vscode.extensions.getExtension("ms-python.python");
  try {
    return (await extension?.activate())?.environments;
  } catch {
    return undefined;
  }
}

/** The interpreter that is chosen there. */
async function interpreter() {
  const environments = await python();
  const chosen = environments?.getActiveEnvironmentPath();
  const resolved = chosen && (await environments.resolveEnvironment(chosen));
  return resolved?.executable?.uri?.fsPath;
}

/**
 * Calls back when another interpreter is chosen.
 * @param {() => void} changed
 * @returns {Promise<vscode.Disposable | undefined>}
 */
async function onInterpreter(changed) {
  return (await python())?.onDidChangeActiveEnvironmentPath?.(changed);
}

module.exports = { PATH, SETTINGS, Server, onInterpreter };
