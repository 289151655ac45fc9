// The page of the preview, without what only VS Code knows.
"use strict";

/**
 * Nothing is loaded but the extension's own style sheet and script.
 * @param {{ nonce: string, source: string, style: string, script: string }} given
 */
function page({ nonce, source, style, script }) {
  const policy = `default-src 'none'; style-src ${source}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Diagram</title>
<link rel="stylesheet" href="${style}">
</head>
<body>
<header>
  <label id="nets" hidden>Net <select id="net"></select></label>
  <label>View <select id="view">
    <option value="TB">graph, down</option>
    <option value="LR">graph, to the right</option>
    <option value="volumes">volumes</option>
  </select></label>
  <label>Blocks <select id="depth">
    <option value="">as there is room</option>
    <option value="0">closed</option>
    <option value="1">one level</option>
    <option value="2">two levels</option>
    <option value="99">all open</option>
  </select></label>
  <span class="buttons" role="group" aria-label="Zoom">
    <button id="out" title="Smaller (-)" aria-label="Smaller">&#x2212;</button>
    <button id="natural" title="Natural size (1)">100 %</button>
    <button id="in" title="Larger (+)" aria-label="Larger">+</button>
    <button id="fit" title="Show all of it (0)" aria-pressed="true">Fit</button>
  </span>
</header>
<main id="stage" tabindex="0" aria-label="The diagram"><div id="paper"></div></main>
<footer id="told" role="status" hidden><span id="text"></span><button id="mistakes" hidden></button></footer>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
}

module.exports = { page };
