// Which program is started as the server, and what is said when there is none:
//
//     node test/find.js FOLDER COMMAND...
//
// Each command is tried in turn; what was found is printed as JSON.
"use strict";

const { advice, firstThatWorks, ways } = require("../src/find");

async function main() {
  const [folder, ...commands] = process.argv.slice(2);
  const known = { setting: "", folders: [folder], windows: false };
  const names = (/** @type {any[]} */ found) => found.map(({ command, args }) => [command, ...args]);
  /** @type {any[]} */
  const tried = [];
  for (const setting of commands) {
    const { found, failed } = await firstThatWorks(ways({ ...known, setting }));
    tried.push({
      works: found !== null,
      problems: failed.map(({ problem }) => problem),
      advice: advice(failed),
    });
  }
  console.log(
    JSON.stringify({
      plain: names(ways(known)),
      chosen: names(ways({ ...known, interpreter: "/env/bin/python3.12" })),
      set: names(ways({ ...known, setting: "${workspaceFolder}/tools/archdsl" })),
      tried,
    }),
  );
}

main();
