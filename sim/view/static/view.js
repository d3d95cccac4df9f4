"use strict";
// A recorded run on one belt: everything is computed from `film` and one number, the time `now` in milliseconds.
const film = JSON.parse(document.getElementById("film").textContent);
const $ = (id) => document.getElementById(id);
const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 100, 300, 1000];
const ROW = 26, GROUPS = ["machine", "alarm", "decision", "exit", "person", "device", "draw"];
const OFF = new Set(["person", "draw"]); // quiet at first: many and rarely looked for
let now = 0, playing = false, speed = 5, chosen = 0, shown = [], colours = {}, lastFrame = 0, lastWords = 0;

// --- looking things up

/** Index of the last row whose first element is at most `t` (-1: none). */
function last(rows, t) {
  let low = 0, high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle][0] <= t) low = middle + 1; else high = middle;
  }
  return low - 1;
}
const at = (rows, t, none) => { const place = last(rows, t); return place < 0 ? none : rows[place][1]; };

/** Belt position in tenths of a millimetre. */
function belt(t) {
  const rows = film.belt, place = last(rows, t);
  if (place < 0) return rows[0][1];
  if (place === rows.length - 1) return rows[place][1];
  const [t0, p0] = rows[place], [t1, p1] = rows[place + 1];
  return t1 === t0 ? p1 : p0 + (p1 - p0) * (t - t0) / (t1 - t0);
}
const beltSpeed = (t) => Math.round((belt(t) - belt(Math.max(0, t - 100))) / Math.min(100, Math.max(1, t)) * 100);

const stations = film.stations, span = { from: -6000, to: Math.max(stations.exit_release, stations.exit_inspect) + 9000 };
const EYES = { induct: "induct", tunnel_entry: "tunnel_entry", tunnel_exit: "tunnel_exit", divert: "divert", exit_release: "exit_release", exit_inspect: "exit_inspect" };
const came = film.parcels.slice().sort((one, other) => one.came - other.came);
const counts = { released: [], inspected: [], toBench: [], fromBench: [] };
for (const one of came) {
  if (one.route === "RELEASE") counts.released.push([one.left]);
  if (one.route === "INSPECT") { counts.inspected.push([one.left]); counts.toBench.push([one.left]); }
  if (one.bench_ms >= 0) counts.fromBench.push([one.bench_ms]);
}
for (const rows of Object.values(counts)) rows.sort((one, other) => one[0] - other[0]);
const count = (rows, t) => last(rows, t) + 1;

/** Parcels between the induct eye and their exits, with the belt way of their heads. */
function aboard(t) {
  const found = [], position = belt(t);
  for (const one of came) {
    if (one.came > t) break;
    const way = position - one.head;
    const gone = one.left >= 0 && t > one.left ? way - (belt(one.left) - one.head) : 0;
    if (one.left >= 0 && t > one.left && (gone > one.length + 1500 || one.route === "UNPROVEN")) continue;
    if (way - one.length > span.to) continue; // nobody recorded where it went
    found.push({ one, way });
  }
  return found;
}
const decided = (one, t) => one.decided && one.decided_ms <= t ? one.decided : "";
const routeOf = (one, t) => one.left >= 0 && t >= one.left ? one.route : one.route || decided(one, t) || "INSPECT";

// --- drawing

function theme() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ground", "card", "line", "text", "soft", "ok", "doubt", "bad", "ask", "belt", "parcel", "ink"])
    colours[name] = style.getPropertyValue("--" + name).trim();
}
function surface(canvas) {
  const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  const wide = Math.round(box.width * ratio), high = Math.round(box.height * ratio);
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, box.width, box.height);
  return { pen, wide: box.width, high: box.height };
}
const LANE = { y: 78, half: 24, drop: 92 };
const x = (way, wide) => (way - span.from) / (span.to - span.from) * wide;

/** How far below the main belt a head at `way` runs on its branch. */
function sink(way, route) {
  if (route !== "INSPECT" || way <= stations.gate) return 0;
  return LANE.drop * Math.min(1, (way - stations.gate) / (0.8 * (stations.exit_inspect - stations.gate)));
}
function drawBelt() {
  const { pen, wide } = surface($("belt")), { y, half, drop } = LANE, scale = wide / (span.to - span.from);
  const X = (way) => x(way, wide);
  pen.font = "12px system-ui, 'Noto Sans CJK SC', sans-serif";
  pen.textBaseline = "middle";
  // beds: the inspect branch first, the main belt over it
  pen.fillStyle = colours.belt;
  const low = stations.gate + 0.8 * (stations.exit_inspect - stations.gate);
  pen.beginPath();
  pen.moveTo(X(stations.gate), y - half); pen.lineTo(X(low), y + drop - half); pen.lineTo(X(span.to), y + drop - half);
  pen.lineTo(X(span.to), y + drop + half); pen.lineTo(X(low) - 8, y + drop + half); pen.lineTo(X(stations.gate), y + half);
  pen.fill();
  pen.fillRect(X(span.from), y - half, X(span.to) - X(span.from), 2 * half);
  stripes(pen, X, scale, y, half);
  pen.fillStyle = colours.soft; pen.textAlign = "right"; pen.font = "600 12px system-ui, sans-serif";
  pen.fillText("RELEASE", X(span.to) - 6, y - half - 10); pen.fillText("INSPECT", X(span.to) - 6, y + drop + half + 11);
  drawStations(pen, X, y, half, drop);
  drawTunnel(pen, X, y, half);
  for (const { one, way } of aboard(now)) drawParcel(pen, X, scale, one, way);
  drawGate(pen, X, y, half);
}
function stripes(pen, X, scale, y, half) {
  const step = 2500, offset = ((belt(now) % step) + step) % step;
  pen.strokeStyle = colours.line; pen.lineWidth = 1; pen.beginPath();
  for (let way = span.from + offset; way < span.to; way += step) { pen.moveTo(X(way), y - half); pen.lineTo(X(way), y + half); }
  pen.stroke();
}
function drawStations(pen, X, y, half, drop) {
  pen.font = "11px system-ui, sans-serif"; pen.textAlign = "center";
  for (const [name, way] of Object.entries(stations)) {
    if (name === "gate" || name === "detector") continue;
    const middle = name === "exit_inspect" ? y + drop : y, eye = film.eyes[EYES[name]];
    const blocked = eye ? at(eye, now, false) : false;
    pen.strokeStyle = blocked ? colours.text : colours.soft; pen.lineWidth = blocked ? 2 : 1;
    pen.setLineDash(eye ? [] : [3, 3]);
    pen.beginPath(); pen.moveTo(X(way), middle - half - 5); pen.lineTo(X(way), middle + half + 5); pen.stroke(); pen.setLineDash([]);
    if (eye) { pen.beginPath(); pen.arc(X(way), middle - half - 9, 4, 0, 7); pen.fillStyle = colours.text; if (blocked) pen.fill(); else pen.stroke(); }
    pen.fillStyle = colours.soft;
    if (!name.startsWith("exit") && !name.startsWith("tunnel")) pen.fillText(name.replace("_", " "), X(way), middle + half + 14);
  }
}
function drawTunnel(pen, X, y, half) {
  const on = at(film.beam, now, false), left = X(stations.tunnel_entry), right = X(stations.tunnel_exit);
  pen.globalAlpha = on ? 0.45 : 0.25; pen.fillStyle = on ? colours.doubt : colours.soft;
  pen.fillRect(left, y - half - 4, right - left, 2 * half + 8); pen.globalAlpha = 1;
  pen.strokeStyle = colours.text; pen.lineWidth = 1; pen.strokeRect(left, y - half - 4, right - left, 2 * half + 8);
  pen.setLineDash([2, 2]); pen.beginPath(); pen.moveTo(X(stations.detector), y - half - 4); pen.lineTo(X(stations.detector), y + half + 4); pen.stroke(); pen.setLineDash([]);
  pen.fillStyle = colours.text; pen.font = "600 11px system-ui, sans-serif"; pen.textAlign = "center";
  pen.fillText(on ? "X-RAY ON" : "X-ray off", (left + right) / 2, y - half - 24);
}
function drawGate(pen, X, y, half) {
  const position = at(film.gate, now, "INSPECT"), open = position === "RELEASE";
  pen.strokeStyle = open ? colours.ok : position === "MOVING" ? colours.soft : colours.doubt; pen.lineWidth = 4; pen.lineCap = "round";
  pen.beginPath(); pen.moveTo(X(stations.gate), y - half - 2);
  if (open) pen.lineTo(X(stations.gate) + 44, y - half - 2);
  else if (position === "MOVING") pen.lineTo(X(stations.gate) + 38, y - half + 22);
  else pen.lineTo(X(stations.gate) + 30, y + half);
  pen.stroke(); pen.lineCap = "butt";
  pen.fillStyle = colours.text; pen.font = "600 11px system-ui, sans-serif"; pen.textAlign = "left";
  pen.fillText("gate " + position, X(stations.gate) - 4, y - half - 24);
}
function drawParcel(pen, X, scale, one, way) {
  const route = routeOf(one, now), word = decided(one, now), middle = LANE.y + sink(way, route), high = 30;
  const left = X(way - one.length), wide = Math.max(3, one.length * scale);
  pen.fillStyle = colours.parcel; pen.fillRect(left, middle - high / 2, wide, high);
  pen.strokeStyle = word === "RELEASE" ? colours.ok : word === "INSPECT" ? colours.doubt : colours.soft;
  pen.lineWidth = word ? 3 : 1; pen.setLineDash(word === "INSPECT" ? [6, 3] : []);
  pen.strokeRect(left, middle - high / 2, wide, high); pen.setLineDash([]);
  if (one.seq === chosen) { pen.strokeStyle = colours.ask; pen.lineWidth = 2; pen.strokeRect(left - 4, middle - high / 2 - 4, wide + 8, high + 8); }
  pen.fillStyle = colours.ink; pen.textAlign = "center"; pen.font = "600 12px system-ui, sans-serif";
  const mark = word === "RELEASE" ? "\u2713" : word === "INSPECT" ? "!" : one.compared >= 0 && one.compared <= now ? (one.finding === "MATCH" ? "=" : "\u2260") : "";
  if (wide > 16) { if (wide <= 30) pen.font = "600 10px system-ui, sans-serif"; pen.fillText(String(one.seq), left + wide / 2, middle - 6); pen.fillText(mark, left + wide / 2, middle + 8); }
  else pen.fillText(mark, left + wide / 2, middle);
}
function drawStrip() {
  const { pen, wide, high } = surface($("strip")), length = Math.max(1, film.length_ms), X = (t) => t / length * wide;
  film.states.forEach((row, place) => {
    const end = place + 1 < film.states.length ? film.states[place + 1][0] : length;
    const colour = { EXECUTE: colours.ok, HELD: colours.doubt, HOLDING: colours.doubt, SUSPENDED: colours.doubt, ABORTED: colours.bad, ABORTING: colours.bad }[row[1]] || colours.soft;
    pen.globalAlpha = row[1] === "EXECUTE" ? 0.35 : 0.6; pen.fillStyle = colour; pen.fillRect(X(row[0]), 10, Math.max(1, X(end) - X(row[0])), 8);
  });
  pen.globalAlpha = 1; pen.fillStyle = colours.doubt;
  for (const one of came) if (one.decided === "INSPECT") pen.fillRect(X(one.decided_ms), 19, 1.5, 6);
  pen.fillStyle = colours.bad;
  for (const row of film.alarms) { pen.beginPath(); pen.moveTo(X(row[0]) - 4, 0); pen.lineTo(X(row[0]) + 4, 0); pen.lineTo(X(row[0]), 9); pen.fill(); }
  pen.fillStyle = colours.text; pen.fillRect(X(now) - 1, 0, 2, high);
}

// --- words around the picture

const two = (number) => String(number).padStart(2, "0");
function clock(t) {
  const tenths = Math.floor(t / 100), hours = Math.floor(tenths / 36000);
  return (hours ? hours + ":" : "") + two(Math.floor(tenths / 600) % 60) + ":" + two(Math.floor(tenths / 10) % 60) + "." + tenths % 10;
}
function node(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
function pairs(list, rows) {
  list.replaceChildren(...rows.map(([name, value]) => { const row = node("div"); row.append(node("dt", name), node("dd", value)); return row; }));
}
function tell() {
  const state = at(film.states, now, "");
  $("clock").textContent = clock(now) + " of " + clock(film.length_ms);
  $("state").textContent = state || "not started"; $("state").className = "badge " + state;
  const bench = count(counts.toBench, now) - count(counts.fromBench, now);
  pairs($("figures"), [
    ["belt", beltSpeed(now) + " mm/s"], ["on the belt", String(aboard(now).filter(({ one }) => one.left < 0 || one.left > now).length)],
    ["released", String(count(counts.released, now))], ["to inspection", String(count(counts.inspected, now))], ["waiting at the bench", String(bench)],
  ]);
  const standing = film.alarms.filter((row) => row[0] <= now && (row[1] < 0 || row[1] > now));
  $("alarms").replaceChildren(...(standing.length ? standing.map((row) => {
    const box = node("div", undefined, "alarm");
    box.append(node("b", row[2] + " " + row[3]), node("span", " " + row[5], "soft"), node("div", row[4]));
    return box;
  }) : [node("span", "none", "soft")]));
  tellParcel();
}
function moment(name, t) {
  const cell = node("td");
  if (t < 0) cell.textContent = "-";
  else { const go = node("button", clock(t), "link"); go.type = "button"; go.onclick = () => jump(t); cell.append(go); }
  const row = node("tr"); row.append(node("th", name), cell);
  return row;
}
function tellParcel() {
  const one = came.find((each) => each.seq === chosen);
  if (!one) return;
  $("parcelname").textContent = "Parcel " + one.seq;
  const box = $("parcel"), table = node("table"), word = decided(one, now);
  box.className = "";
  const say = (name, value, kind) => { const row = node("tr"); row.append(node("th", name), node("td", value, kind)); table.append(row); };
  say("code", one.code || "not read");
  say("customs status", one.status || "-");
  say("length, weight", one.length / 10 + " mm, " + (one.grams < 0 ? "-" : one.grams + " g"));
  if (one.drawn) say("random draw", "drawn for opening", "INSPECT");
  if (one.compared >= 0 && one.compared <= now) say("content", one.finding, one.finding);
  say("decision", word ? word + (one.grounds.length && word === "INSPECT" ? ": " + one.grounds.join(", ") : "") : "not yet", word);
  if (one.left >= 0 && one.left <= now) say("left by", one.route, one.route);
  if (one.bench_ms >= 0 && one.bench_ms <= now) say("at the bench", one.bench);
  table.append(moment("inducted", one.came), moment("compared", one.compared), moment("decided", one.decided_ms), moment("left", one.left), moment("opened", one.bench_ms));
  const parts = [table];
  if (one.lines.length && one.compared <= now) {
    const lines = node("table"), head = node("tr");
    for (const name of ["goods", "declared", "seen", ""]) head.append(node("th", name));
    lines.append(head);
    for (const [name, expected, seen, finding] of one.lines) {
      const row = node("tr"); row.append(node("td", name), node("td", expected, "number"), node("td", seen, "number"), node("td", finding, finding)); lines.append(row);
    }
    parts.push(lines);
  }
  box.replaceChildren(...parts);
}

// --- events

function filter() {
  const on = new Set(GROUPS.filter((name) => $("group-" + name).checked)), words = $("search").value.trim().toLowerCase();
  const codes = new Map(came.map((one) => [one.seq, one.code.toLowerCase()]));
  const fits = (row) => !words || (words.startsWith("#") ? String(row[3]) === words.slice(1) : row[2].toLowerCase().includes(words) || (row[3] && (codes.get(row[3]) || "").includes(words)));
  shown = film.events.filter((row) => on.has(row[1]) && fits(row));
  $("eventcount").textContent = shown.length + " of " + film.events.length;
  $("spacer").style.height = shown.length * ROW + "px";
  rows(true);
}
function rows(follow) {
  const list = $("events"), current = last(shown, now);
  if (follow && current >= 0) {
    const top = current * ROW;
    if (top < list.scrollTop || top > list.scrollTop + list.clientHeight - ROW) list.scrollTop = Math.max(0, top - list.clientHeight / 2);
  }
  const from = Math.max(0, Math.floor(list.scrollTop / ROW) - 4), to = Math.min(shown.length, from + Math.ceil(list.clientHeight / ROW) + 8);
  const made = [$("spacer")];
  for (let place = from; place < to; place++) {
    const [t, group, text, seq] = shown[place];
    const row = node("div", undefined, "event" + (group === "alarm" ? " alarm" : "") + (place === current ? " current" : t <= now ? " past" : ""));
    row.style.top = place * ROW + "px"; row.setAttribute("role", "option"); row.setAttribute("aria-selected", String(place === current));
    row.append(node("span", clock(t)), node("span", group), node("span", seq ? "#" + seq : ""), node("span", text)); row.title = text;
    row.onclick = () => { if (seq) chosen = seq; jump(t); };
    made.push(row);
  }
  list.replaceChildren(...made);
}
function step(way) {
  let place = last(shown, now);
  if (way > 0) place += 1;
  else while (place >= 0 && shown[place][0] >= now) place -= 1;
  if (place < 0 || place >= shown.length) return;
  if (shown[place][3]) chosen = shown[place][3];
  jump(shown[place][0]);
}
function nextAlarm() {
  const row = film.alarms.find((each) => each[0] > now) || film.alarms[0];
  if (row) jump(row[0]);
}

// --- time

function draw() {
  drawBelt(); drawStrip(); $("scrub").value = String(now);
  if (playing && performance.now() - lastWords < 200) return; // words change five times a second, so that links can be hit
  lastWords = performance.now(); tell(); rows(playing);
}
function jump(t) { now = Math.min(film.length_ms, Math.max(0, t)); if (!playing) remember(); draw(); rows(true); }
function remember() { history.replaceState(null, "", "#t=" + (now / 1000).toFixed(1) + (chosen ? "&p=" + chosen : "")); }
function play(on) {
  if (on && now >= film.length_ms) now = 0;
  playing = on; $("play").textContent = on ? "Pause" : "Play"; lastFrame = performance.now();
  if (on) requestAnimationFrame(frame); else { remember(); draw(); }
}
function frame(stamp) {
  if (!playing) return;
  now += (stamp - lastFrame) * speed; lastFrame = stamp;
  if (now >= film.length_ms) { now = film.length_ms; play(false); return; }
  draw(); requestAnimationFrame(frame);
}
function setSpeed(value) { speed = value; $("speed").value = String(value); }
function faster(way) { setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, SPEEDS.indexOf(speed) + way))]); }
function neighbour(way) {
  const here = aboard(now).map(({ one }) => one.seq);
  if (!here.length) return;
  chosen = here[(here.indexOf(chosen) + way + here.length) % here.length] || here[0];
  draw();
}
function changeTheme() {
  const order = ["", "light", "dark"], root = document.documentElement;
  const next = order[(order.indexOf(root.dataset.theme || "") + 1) % 3];
  if (next) root.dataset.theme = next; else delete root.dataset.theme;
  theme(); draw();
}
function pick(event) {
  const box = $("belt").getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
  for (const { one, way } of aboard(now).reverse()) {
    const middle = LANE.y + sink(way, routeOf(one, now));
    if (px >= x(way - one.length, box.width) - 4 && px <= x(way, box.width) + 4 && Math.abs(py - middle) < 22) { chosen = one.seq; remember(); draw(); return; }
  }
}
function key(event) {
  if (event.target.matches("input[type=search], select") || event.ctrlKey || event.metaKey || event.altKey) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const stride = event.shiftKey ? 10000 : 1000;
  const does = {
    " ": () => play(!playing), ArrowLeft: () => jump(now - stride), ArrowRight: () => jump(now + stride), ArrowUp: () => faster(1), ArrowDown: () => faster(-1),
    n: () => step(1), p: () => step(-1), a: nextAlarm, "[": () => neighbour(-1), "]": () => neighbour(1), Home: () => jump(0), End: () => jump(film.length_ms),
    "/": () => $("search").focus(), t: changeTheme, "?": () => $("keys").showModal(),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (does) { event.preventDefault(); does(); }
}
function begin() {
  document.title = film.name + " - belt";
  $("name").textContent = film.name; $("origin").textContent = film.origin; $("lane").textContent = "lane " + film.lane + ", belt " + film.speed_mm_s + " mm/s";
  if (film.origin === "SYNTHETIC") document.body.classList.add("synthetic");
  $("facts").replaceChildren(...Object.entries({ ...film.facts, began: film.wall_at, parcels: String(film.parcels.length), configuration: film.config_sha256 })
    .filter(([, value]) => value).flatMap(([name, value]) => [node("dt", name), node("dd", value)]));
  for (const value of SPEEDS) { const option = node("option", value + " x"); option.value = String(value); $("speed").append(option); }
  for (const name of GROUPS) {
    const label = node("label"), box = node("input"); box.type = "checkbox"; box.id = "group-" + name; box.checked = !OFF.has(name); box.onchange = filter;
    label.append(box, " " + name); $("groups").append(label);
  }
  setSpeed(5); $("scrub").max = String(film.length_ms);
  $("scrub").oninput = () => jump(Number($("scrub").value));
  $("play").onclick = () => play(!playing); $("start").onclick = () => jump(0);
  $("before").onclick = () => step(-1); $("after").onclick = () => step(1); $("alarm").onclick = nextAlarm;
  $("speed").onchange = () => { speed = Number($("speed").value); };
  $("theme").onclick = changeTheme; $("help").onclick = () => $("keys").showModal();
  $("search").oninput = filter; $("events").onscroll = () => rows(false); $("belt").onclick = pick;
  document.addEventListener("keydown", key); window.addEventListener("resize", draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { theme(); draw(); });
  const wanted = new URLSearchParams(location.hash.slice(1));
  now = Math.min(film.length_ms, Math.max(0, Number(wanted.get("t") || 0) * 1000)); chosen = Number(wanted.get("p") || 0);
  theme(); filter(); draw();
}
begin();
