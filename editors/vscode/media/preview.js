// The page of the preview: shows the last good picture, and lets one move in it.
"use strict";

(() => {
  /** @type {{ postMessage(message: object): void, getState(): any, setState(state: any): void }} */
  // @ts-ignore: VS Code gives it to the page.
  const host = acquireVsCodeApi();

  const LARGEST = 8;
  const SMALLEST = 0.05;
  const STEP = 1.2;
  // A small net is not blown up beyond this.
  const FITTED = 1.6;
  const MARGIN = 16;

  const at = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
  const select = (/** @type {string} */ id) => /** @type {HTMLSelectElement} */ (at(id));
  const stage = at("stage");
  const paper = at("paper");
  const root = paper.attachShadow({ mode: "open" });

  /**
   * What VS Code keeps while the pane is hidden.
   * `good` is the message with the last picture of a right net, `scale` is null for "all
   * of it".
   * @type {{ uri?: string, net?: string, view: string, depth: string, mistakes: boolean,
   *   scale: number | null, good: any }}
   */
  const state = {
    view: "TB",
    depth: "",
    mistakes: false,
    scale: null,
    good: null,
    ...host.getState(),
  };
  // The message with the picture that is shown.
  /** @type {any} */
  let shown = null;
  let marked = false;
  let size = { wide: 0, high: 0 };

  function keep() {
    host.setState(state);
  }

  /** Without a picture of the right net, what is known of the wrong one is shown. */
  const wanted = () => state.mistakes || state.good === null;

  function ask() {
    keep();
    marked = wanted();
    host.postMessage({
      type: "ask",
      asked: {
        net: state.net,
        view: state.view === "volumes" ? "volumes" : "graph",
        direction: state.view === "volumes" ? undefined : state.view,
        depth: state.depth === "" ? undefined : Number(state.depth),
        mistakes: marked,
      },
    });
  }

  // The picture

  /**
   * The element of a picture with its style sheet; null if it is none.
   * The page's policy lets no text bring styles: they are taken out before it is read,
   * set by what the policy allows, and hold in the picture alone.
   * @param {string} text
   */
  function read(text) {
    /** @type {string[]} */
    const rules = [];
    const plain = text
      .replace(/<style>([^<]*)<\/style>/g, (_, rule) => {
        rules.push(rule);
        return "";
      })
      .replace(/(<[a-z]+ [^<>]*?)style="/g, '$1data-style="');
    const made = new DOMParser().parseFromString(plain, "image/svg+xml");
    const svg = made.documentElement;
    if (svg.localName !== "svg" || made.querySelector("parsererror")) return null;
    for (const each of svg.querySelectorAll("style, script, foreignObject")) each.remove();
    const title = svg.querySelector(":scope > title");
    if (title) svg.setAttribute("aria-label", title.textContent ?? "");
    svg.removeAttribute("aria-labelledby");
    // It would be told wherever the mouse rests.
    title?.remove();
    svg.querySelector(":scope > desc")?.remove();
    const element = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (document.adoptNode(svg)));
    for (const each of /** @type {NodeListOf<SVGElement>} */ (element.querySelectorAll("[data-style]"))) {
      each.style.cssText = each.dataset.style ?? "";
    }
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`${rules.join("\n")}
      :host{display:block} svg{display:block;width:100%;height:100%} .p{fill:none}
      .go{cursor:pointer} .go:hover>rect,.go:hover>path{stroke-width:2.5}`);
    return { element, sheet };
  }

  /** @param {any} message */
  function draw(message) {
    const made = read(message.svg);
    if (made === null) return false;
    const { element, sheet } = made;
    size = {
      wide: Number(element.getAttribute("width")),
      high: Number(element.getAttribute("height")),
    };
    for (const each of element.querySelectorAll("g")) {
      if (lineOf(each, message.name) !== null) each.classList.add("go");
    }
    root.adoptedStyleSheets = [sheet];
    root.replaceChildren(element);
    return true;
  }

  /**
   * The line of the text that something in the picture comes from.
   * @param {Element} group
   * @param {string} name
   */
  function lineOf(group, name) {
    const title = group.querySelector(":scope > title")?.textContent ?? "";
    if (!title.startsWith(`${name}:`)) return null;
    const line = Number.parseInt(title.slice(name.length + 1), 10);
    return Number.isNaN(line) ? null : line;
  }

  /** @param {any} message */
  function received(message) {
    const other = message.uri !== state.uri;
    state.uri = message.uri;
    if (other || (message.net !== null && message.net !== state.good?.net)) {
      // The last picture is one of another net.
      state.good = null;
    }
    if (message.svg !== null && !message.wrong) state.good = message;
    const unasked = message.wrong && wanted() !== marked;
    show(message.svg === null || unasked ? state.good : message);
    if (message.nets.length > 0) choices(message.nets, message.net);
    tell(message);
    keep();
    place();
    if (unasked) ask();
  }

  /** @param {any} message */
  function show(message) {
    if (message === shown) return;
    shown = message !== null && draw(message) ? message : null;
    if (shown === null) root.replaceChildren();
  }

  /**
   * @param {string[]} nets
   * @param {string} net
   */
  function choices(nets, net) {
    const box = select("net");
    const options = nets.map((name) => {
      const option = document.createElement("option");
      option.value = name;
      option.textContent = name || "(without a name)";
      return option;
    });
    box.replaceChildren(...options);
    box.value = net;
    at("nets").hidden = nets.length < 2;
  }

  /** @param {any} message */
  function tell(message) {
    const kept = shown !== null && shown !== message;
    const text = kept ? `${message.message}. This is the last good picture.` : message.message;
    at("text").textContent = text;
    at("told").hidden = text === "";
    at("told").classList.toggle("wrong", message.wrong);
    stage.classList.toggle("kept", kept);
    stage.classList.toggle("empty", shown === null);
    const toggle = at("mistakes");
    // Of a text that cannot be read nothing is known that could be drawn.
    toggle.hidden = !message.wrong || message.nets.length === 0 || state.good === null;
    toggle.textContent = state.mistakes ? "Keep the last good picture" : "Draw the mistake";
  }

  // Its size and place

  function fitting() {
    const wide = (stage.clientWidth - 2 * MARGIN) / size.wide;
    const high = (stage.clientHeight - 2 * MARGIN) / size.high;
    return Math.max(SMALLEST, Math.min(FITTED, wide, high));
  }

  function place() {
    if (size.wide === 0) return;
    const scale = state.scale ?? fitting();
    paper.style.width = `${size.wide * scale}px`;
    paper.style.height = `${size.high * scale}px`;
    at("natural").textContent = `${Math.round(scale * 100)} %`;
    at("fit").setAttribute("aria-pressed", String(state.scale === null));
  }

  /**
   * Make it so many times its natural size; what is at a place of the window stays there.
   * @param {number | null} scale
   * @param {{ x: number, y: number }} [point]
   */
  function zoom(scale, point) {
    const box = stage.getBoundingClientRect();
    const x = point?.x ?? box.left + box.width / 2;
    const y = point?.y ?? box.top + box.height / 2;
    const before = paper.getBoundingClientRect();
    const across = (x - before.left) / before.width;
    const along = (y - before.top) / before.height;
    state.scale = scale === null ? null : Math.min(LARGEST, Math.max(SMALLEST, scale));
    place();
    const after = paper.getBoundingClientRect();
    stage.scrollLeft += after.left + across * after.width - x;
    stage.scrollTop += after.top + along * after.height - y;
    keep();
  }

  const scale = () => state.scale ?? fitting();

  at("in").addEventListener("click", () => zoom(scale() * STEP));
  at("out").addEventListener("click", () => zoom(scale() / STEP));
  at("natural").addEventListener("click", () => zoom(1));
  at("fit").addEventListener("click", () => zoom(null));

  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      zoom(scale() * Math.exp(-event.deltaY * pixels * 0.003), { x: event.clientX, y: event.clientY });
    },
    { passive: false },
  );

  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") zoom(scale() * STEP);
    else if (event.key === "-") zoom(scale() / STEP);
    else if (event.key === "0") zoom(null);
    else if (event.key === "1") zoom(1);
  });

  // Pulled along; a press that does not move is one on what it hits.
  /** @type {{ x: number, y: number, left: number, top: number, moved: boolean } | null} */
  let pulled = null;

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const { clientX: x, clientY: y } = event;
    // The scroll bars are none of this.
    const box = stage.getBoundingClientRect();
    if (x - box.left >= stage.clientWidth || y - box.top >= stage.clientHeight) return;
    pulled = { x, y, left: stage.scrollLeft, top: stage.scrollTop, moved: false };
  });

  stage.addEventListener("pointermove", (event) => {
    if (pulled === null) return;
    const [x, y] = [event.clientX - pulled.x, event.clientY - pulled.y];
    if (!pulled.moved && Math.hypot(x, y) < 4) return;
    if (!pulled.moved) {
      pulled.moved = true;
      stage.setPointerCapture(event.pointerId);
      stage.classList.add("pulled");
    }
    stage.scrollLeft = pulled.left - x;
    stage.scrollTop = pulled.top - y;
  });

  stage.addEventListener("pointerup", (event) => {
    const pressed = pulled !== null && !pulled.moved;
    pulled = null;
    stage.classList.remove("pulled");
    if (!pressed) return;
    const hit = root.elementFromPoint(event.clientX, event.clientY);
    const group = hit?.closest("g.go");
    const line = group && lineOf(group, shown?.name ?? "");
    if (line) host.postMessage({ type: "go", line });
  });

  stage.addEventListener("pointercancel", () => {
    pulled = null;
    stage.classList.remove("pulled");
  });

  // What is asked for

  select("view").addEventListener("change", () => {
    state.view = select("view").value;
    ask();
  });
  select("depth").addEventListener("change", () => {
    state.depth = select("depth").value;
    ask();
  });
  select("net").addEventListener("change", () => {
    state.net = select("net").value;
    ask();
  });
  at("mistakes").addEventListener("click", () => {
    state.mistakes = !state.mistakes;
    ask();
  });

  window.addEventListener("message", (event) => {
    if (event.data?.type === "picture") received(event.data);
  });
  new ResizeObserver(place).observe(stage);

  select("view").value = state.view;
  select("depth").value = state.depth;
  show(state.good);
  stage.classList.toggle("empty", shown === null);
  if (shown !== null) {
    choices(shown.nets, shown.net);
    place();
  }
  ask();
})();
