// Which program is the language server: the ways to start it, and whether one works.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

// So long may a program take to say whether it can serve.
const PATIENCE = 20_000;
const MISSING = "there is no such program";

/**
 * A way to start `archdsl`: its arguments come before those of the command.
 * @typedef {{ command: string, args: string[], from: string }} Way
 */

/**
 * The ways to start it, the best first. What the user has set is the only one.
 * @param {{ setting: string, interpreter?: string, folders: string[], windows: boolean }} known
 * @returns {Way[]}
 */
function ways({ setting, interpreter, folders, windows }) {
  if (setting !== "") {
    return [way(expanded(setting, folders), "the setting archdsl.server.path")];
  }
  const found = [];
  if (interpreter !== undefined) {
    found.push(way(interpreter, "the interpreter that is chosen in the Python extension"));
  }
  const [bin, ending] = windows ? ["Scripts", ".exe"] : ["bin", ""];
  for (const folder of folders) {
    for (const name of [".venv", "venv"]) {
      const python = path.join(folder, name, bin, `python${ending}`);
      if (fs.existsSync(python)) {
        found.push(way(python, `the environment ${name} of the folder`));
      }
    }
  }
  found.push(way("archdsl", "the path"));
  return found;
}

/**
 * An interpreter runs archdsl as a module; anything else is taken for archdsl itself.
 * @param {string} command
 * @param {string} from
 * @returns {Way}
 */
function way(command, from) {
  const name = path.basename(command).toLowerCase();
  const interpreter = /^(python|pypy)[\d.]*(\.exe)?$|^py(\.exe)?$/.test(name);
  return { command, args: interpreter ? ["-m", "archdsl"] : [], from };
}

/**
 * @param {string} setting
 * @param {string[]} folders
 */
function expanded(setting, folders) {
  const home = setting.replace(/^~(?=[\\/])/, os.homedir());
  return home.replaceAll("${workspaceFolder}", folders[0] ?? "");
}

/**
 * Why a program cannot serve; null if it can. It is started, and nothing is asked.
 * @param {Way} tried
 * @returns {Promise<string | null>}
 */
function problemOf(tried) {
  return new Promise((resolve) => {
    const server = spawn(tried.command, [...tried.args, "lsp"], {
      stdio: ["pipe", "ignore", "pipe"],
    });
    const timer = setTimeout(() => server.kill(), PATIENCE);
    const done = (/** @type {string | null} */ problem) => {
      clearTimeout(timer);
      resolve(problem);
    };
    let said = "";
    server.stderr.setEncoding("utf8");
    server.stderr.on("data", (text) => (said += text));
    // It may end before it reads.
    server.stdin.on("error", () => {});
    server.on("error", (/** @type {NodeJS.ErrnoException} */ problem) =>
      done(problem.code === "ENOENT" ? MISSING : problem.message),
    );
    server.on("close", (status, signal) => {
      const last = said.trim().split("\n").at(-1) ?? "";
      if (status === 0) done(null);
      else done(last || (signal ? "it did not answer" : `it ended with status ${status}`));
    });
    server.stdin.end();
  });
}

/**
 * The first way that works, and what was tried in vain before it.
 * @param {Way[]} all
 * @returns {Promise<{ found: Way | null, failed: { way: Way, problem: string }[] }>}
 */
async function firstThatWorks(all) {
  const failed = [];
  for (const each of all) {
    const problem = await problemOf(each);
    if (problem === null) return { found: each, failed };
    failed.push({ way: each, problem });
  }
  return { found: null, failed };
}

/**
 * What to do when none works, in one paragraph.
 * @param {{ way: Way, problem: string }[]} failed
 */
function advice(failed) {
  const there = failed.find(({ problem }) => problem !== MISSING);
  const why = there
    ? `The language server does not start (${there.way.from}): ${there.problem}.`
    : "The language server of archdsl was not found.";
  return (
    `${why} Install it in the Python environment that you work in, ` +
    'pip install "archdsl[lsp]", or say in the setting archdsl.server.path where ' +
    "archdsl, or a Python that has it, is."
  );
}

module.exports = { advice, firstThatWorks, ways };
