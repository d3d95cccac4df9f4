// The belt to scale, with its parcels. Between two messages the parcels move on at the belt's own speed.
import { byId, svg } from "./common.js";

const LEFT = 40, WIDTH = 1160, TOP = 48, HEIGHT = 44;
const STATIONS = [["reader_um", "reader"], ["scale_um", "scale"], ["second_reader_um", "reader 2", "left"], ["divert_um", "eye", "left"], ["gate_um", "gate"]];
let last = null, received = 0;

export function beltState(state) { last = state; received = performance.now(); }

function draw() {
  requestAnimationFrame(draw);
  if (!last || !last.layout) return;
  const { layout, belt, parcels } = last;
  const length = Math.max(layout.exit_release_um, layout.exit_inspect_um) + 900000;
  const x = (um) => LEFT + (WIDTH * um) / length;
  const speed = last.figures.speed || 1;
  const moved = Math.min((performance.now() - received) / 1000, 0.6) * belt.speed_um_s * speed;
  const nodes = [svg("rect", { class: "bed", x: LEFT, y: TOP, width: WIDTH, height: HEIGHT })];
  const tunnel = svg("rect", { class: belt.xray_on ? "tunnel on" : "tunnel", x: x(layout.tunnel_entry_um), y: TOP - 12, width: x(layout.tunnel_exit_um) - x(layout.tunnel_entry_um), height: HEIGHT + 24 });
  nodes.push(tunnel, svg("text", { x: x(layout.tunnel_entry_um) + 4, y: TOP - 18 }, belt.xray_on ? "X-ray ON" : "X-ray off"));
  for (const [key, name, side] of STATIONS) {
    nodes.push(svg("line", { class: "station", x1: x(layout[key]), x2: x(layout[key]), y1: TOP - 4, y2: TOP + HEIGHT + 6 }));
    nodes.push(svg("text", { class: side || "right", x: x(layout[key]) + (side ? 6 : -6), y: TOP + HEIGHT + (key === "divert_um" ? 36 : 20) }, name));
  }
  nodes.push(svg("text", { class: "exit", x: x(layout.exit_release_um) + 6, y: TOP - 6 }, "RELEASE ▲"));
  nodes.push(svg("text", { class: "exit", x: x(layout.exit_inspect_um) + 6, y: TOP + HEIGHT + 20 }, "INSPECT ▼"));
  for (const parcel of parcels) {
    const head = belt.um + moved - parcel.head_um;
    const size = parcel.length_um > 0 ? parcel.length_um : Math.min(head, 300000);
    if (head < 0 || head - size > length) continue;
    const from = x(Math.max(head - size, 0)), to = x(Math.min(head, length));
    nodes.push(svg("rect", { class: `box ${parcel.route}`, x: from, y: TOP + 6, width: Math.max(to - from, 3), height: HEIGHT - 12, rx: 3 }));
    nodes.push(svg("text", { class: "label", x: from + 3, y: TOP + 26 }, parcel.seq));
    if (parcel.route) nodes.push(svg("text", { class: "label", x: from + 2, y: TOP + 39 }, parcel.route === "RELEASE" ? "▲" : "▼"));
  }
  byId("belt").replaceChildren(...nodes);
}
requestAnimationFrame(draw);
