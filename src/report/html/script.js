"use strict";
// How many rows are drawn at a time: the rest is there to be sorted and searched, and drawn when it is looked at.
const STEP = 200;

// A row is { keys, find, draw }: what each column is sorted by, what a search looks into, and what makes its element.
function interactive(table, rows, drawn) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const more = document.createElement("button");
  more.type = "button";
  more.className = "more";
  table.parentElement.after(more);
  let listed = rows;
  const draw = (count) => {
    drawn = Math.min(count, listed.length);
    body.replaceChildren(...listed.slice(0, drawn).map((row) => (row.element ??= row.draw())));
    more.hidden = drawn === listed.length;
    more.textContent = `${(listed.length - drawn).toLocaleString("en")} more`;
  };
  const first = drawn;
  more.addEventListener("click", () => draw(drawn + STEP));
  const order = { at: -1, down: false };
  const sorted = (list) => {
    const at = order.at;
    if (at < 0) return list;
    const sign = order.down ? -1 : 1;
    return list.sort((a, b) => (a.keys[at] < b.keys[at] ? -sign : a.keys[at] > b.keys[at] ? sign : 0));
  };
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      order.down = order.at === at && !order.down;
      order.at = at;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      listed = sorted([...listed]);
      draw(first);
    });
  });
  draw(drawn);
  return (wanted) => {
    listed = sorted(rows.filter((row) => row.find.includes(wanted)));
    draw(first);
  };
}

// The rows that stand in the page.
function written(table) {
  const key = (cell) => {
    const text = (cell.dataset.sort ?? cell.textContent).trim();
    return cell.classList.contains("number") ? Number(text || -1) : text.toLowerCase();
  };
  return [...table.tBodies[0].rows].map((element) => ({
    keys: [...element.cells].map(key),
    find: element.textContent.toLowerCase(),
    element,
  }));
}

function made(name, text, type) {
  const element = document.createElement(name);
  if (type) element.className = type;
  element.textContent = text;
  return element;
}

// A link, if it is one of the web.
function linked(element, url) {
  if (!/^https?:\/\//.test(url ?? "")) return element;
  const link = document.createElement("a");
  link.href = url;
  link.rel = "noopener noreferrer";
  link.append(element);
  return link;
}

function cell(content, type) {
  const element = made("td", "", type);
  element.append(content);
  return element;
}

// The rows that are packed: a line each, its fields separated by tabs; before them the names that fields stand for.
function packed(text) {
  const lines = text.split("\n");
  const { levels, types, states, logins = {} } = JSON.parse(lines[0]);
  return lines.slice(1, -1).map((line) => {
    const [level, token, type, path, places, date, owner, state, at, hash, url] = line.split("\t");
    const whose = owner in logins ? `${owner} (${logins[owner]})` : owner;
    const [label, look] = states[state];
    const name = types[type];
    const keys = [level, token.toLowerCase(), name.toLowerCase(), path.toLowerCase()];
    keys.push(Number(places), date, Number(owner || -1), label);
    return {
      keys,
      owner,
      whose,
      fate: look,
      path,
      find: `${levels[level]} ${token} ${name} ${path} ${date} ${whose} ${label} ${at} ${hash}`.toLowerCase(),
      draw() {
        const row = document.createElement("tr");
        const code = made("code", token);
        code.title = `sha256 ${hash}…`;
        row.append(
          cell(made("span", levels[level], levels[level])),
          cell(code, "token"),
          cell(name),
          cell(linked(made("code", path), url)),
          cell(places, "number"),
          cell(date),
          cell(whose, "number"),
          cell(made("span", label, look)),
        );
        row.lastChild.append(" ", made("span", at, "faint"));
        return row;
      },
    };
  });
}

// Whose the tokens are, with what became of them.
function owners(rows) {
  const byOwner = new Map();
  for (const { owner, whose, fate, path } of rows) {
    let counts = byOwner.get(owner);
    if (!counts) byOwner.set(owner, (counts = { tokens: 0, good: 0, taken: 0, open: 0, whose, path }));
    counts.tokens += 1;
    counts[fate in counts ? fate : "open"] += 1;
  }
  const list = [...byOwner].sort((a, b) => (a[0] === "") - (b[0] === "") || b[1].tokens - a[1].tokens);
  return list.map(([owner, { tokens, good, taken, open, whose, path }]) => ({
    keys: [Number(owner || -1), tokens, good, taken, open, path.toLowerCase()],
    find: "",
    draw() {
      const row = document.createElement("tr");
      const numbers = [tokens, good, taken, open].map((count) => cell(String(count), "number"));
      row.append(cell(whose || "not told by the token", "number"), ...numbers, cell(made("code", path)));
      return row;
    },
  }));
}

async function unpacked(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

async function start() {
  const data = document.getElementById("data");
  const all = data && packed(await unpacked(data.textContent));
  for (const element of document.querySelectorAll(".unscripted")) element.remove();
  const filter = document.getElementById("filter");
  for (const table of document.querySelectorAll("table.sortable")) {
    let rows = written(table);
    let drawn = rows.length;
    if (all && table.id === "tokens") [rows, drawn] = [all, STEP];
    if (all && table.id === "owners") [rows, drawn] = [owners(all), STEP];
    const search = interactive(table, rows, drawn);
    if (filter && table.id === "tokens") {
      filter.hidden = false;
      filter.addEventListener("input", () => search(filter.value.toLowerCase()));
    }
  }
  document.documentElement.dataset.ready = "";
}
start();
