// Holds the grammar against the lexer of archdsl: `node grammar.js FILE`, where FILE is
// JSON of texts with what each word should be, as tests/test_vscode.py writes it. Each
// stretch of a text, counted in UTF-16, has the scopes that fit it; outside of all
// stretches there are blanks. What does not fit is printed, one line each.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const GRAMMAR = path.join(__dirname, "..", "syntaxes", "arch.tmLanguage.json");
const ROOT = "source.arch";

async function loaded() {
  const wasm = fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope) =>
      scope === ROOT
        ? textmate.parseRawGrammar(fs.readFileSync(GRAMMAR, "utf8"), GRAMMAR)
        : null,
  });
  return registry.loadGrammar(ROOT);
}

/** The scopes of a text: stretches with the scopes that they have beside the root. */
function coloured(grammar, text) {
  const found = [];
  let stack = textmate.INITIAL;
  let at = 0;
  for (const line of text.split("\n")) {
    const made = grammar.tokenizeLine(line, stack);
    for (const token of made.tokens) {
      const end = Math.min(token.endIndex, line.length);
      if (token.startIndex < end) {
        found.push([at + token.startIndex, at + end, token.scopes.slice(1)]);
      }
    }
    stack = made.ruleStack;
    at += line.length + 1;
  }
  return found;
}

/** What does not fit. `words` are [start, end, scopes]: one of the scopes has to be there.
 * Unless a text is `whole`, what stands between them may be anything. */
function misfits({ text, words, whole }, stretches) {
  const found = [];
  let next = 0;
  for (const [from, to, scopes] of stretches) {
    let at = from;
    while (at < to) {
      while (next < words.length && words[next][1] <= at) next += 1;
      const word = next < words.length && words[next][0] <= at ? words[next] : null;
      const end = Math.min(to, word ? word[1] : next < words.length ? words[next][0] : to);
      const piece = text.slice(at, end);
      const fits = (wanted) => scopes.some((scope) => `${scope}.`.startsWith(`${wanted}.`));
      if (word ? !word[2].some(fits) : whole && piece.trim() !== "") {
        const line = text.slice(0, at).split("\n").length;
        const wanted = word ? word[2].join(" or ") : "nothing";
        found.push(`${line}: ${JSON.stringify(piece)} is ${scopes.join(" ") || "bare"}, not ${wanted}`);
      }
      at = end;
    }
  }
  return found;
}

async function main() {
  const texts = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const grammar = await loaded();
  const used = new Set();
  let words = 0;
  let wrong = 0;
  for (const each of texts) {
    const stretches = coloured(grammar, each.text);
    for (const stretch of stretches) stretch[2].forEach((scope) => used.add(scope));
    words += each.words.length;
    for (const problem of misfits(each, stretches)) {
      wrong += 1;
      console.log(`${each.name}:${problem}`);
    }
  }
  console.log(JSON.stringify({ texts: texts.length, words, wrong, scopes: [...used].sort() }));
}

main();
