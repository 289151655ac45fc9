// Loads the extension of an unpacked package, which has to hold all that it needs:
//
//     node test/packed.js FOLDER
//
// It is loaded and not started: a stand-in has whatever is asked of VS Code.
"use strict";

const Module = require("node:module");
const path = require("node:path");

/** @type {any} */
const vscode = new Proxy(class {}, {
  get: (target, name) => (name in target ? Reflect.get(target, name) : class {}),
});
const load = /** @type {any} */ (Module)._load;
/** @type {any} */ (Module)._load = (/** @type {string} */ name, /** @type {any[]} */ ...rest) =>
  name === "vscode" ? vscode : load(name, ...rest);

const folder = path.resolve(process.argv[2]);
const { main } = require(path.join(folder, "package.json"));
const made = require(path.join(folder, main));
const foreign = Object.keys(require.cache).filter(
  (file) => file !== __filename && !file.startsWith(folder + path.sep),
);
console.log(JSON.stringify({ gives: Object.keys(made).sort(), foreign }));
