// Bench page: diverted parcels, oldest first; record what was found and how it ends.
import { begin, byId, element, order, request } from "./common.js";

const RESULTS = ["INSPECTED_AND_RELEASED", "RESCAN", "ORDER_MODIFIED", "ORDER_DELETED", "RETURNED", "DETAINED", "TRANSFERRED_TO_ANTI_SMUGGLING"];
let shown = "", opened = null;

function show(state) {
  const key = JSON.stringify(state.bench);
  if (key === shown) return;
  shown = key;
  byId("waiting").textContent = state.bench_waiting === 1 ? "1 parcel waits" : `${state.bench_waiting} parcels wait`;
  byId("none").hidden = state.bench.length > 0;
  byId("list").hidden = state.bench.length === 0;
  byId("rows").replaceChildren(...state.bench.map((parcel) => element("tr", {},
    element("td", { class: "number" }, parcel.seq), element("td", {}, parcel.code || "no code"), element("td", {}, parcel.instruction),
    element("td", {}, parcel.grounds.join(", ")), element("td", {}, parcel.custody),
    element("td", {}, element("button", { onclick: () => open(parcel.seq) }, "Open")))));
}

async function open(seq) {
  opened = await request(`/api/parcels/${seq}`);
  const fields = opened.lines.map((line) => element("tr", {},
    element("td", { class: "number" }, line.line_no), element("td", {}, line.name), element("td", { class: "number" }, `${line.qty_e5 / 1e5} × ${line.unit}`),
    element("td", {}, element("input", { type: "number", min: 0, max: 9999, "data-line": line.line_no, "aria-label": `found pieces of line ${line.line_no}` }))));
  byId("opened").hidden = false;
  byId("title").textContent = `Parcel ${seq}: ${opened.waybill || opened.code || "no code"}, ${opened.instruction}`;
  byId("why").textContent = opened.grounds.map((ground) => `${ground}: ${opened.ground_meanings[ground]}`).join("; ");
  byId("lines").replaceChildren(...fields);
  const first = byId("lines").querySelector("input");
  (first || byId("result")).focus();
}

async function record(event) {
  event.preventDefault();
  const found = [...byId("lines").querySelectorAll("input")].filter((field) => field.value !== "").map((field) => [Number(field.dataset.line), Number(field.value)]);
  const done = await order("RecordBench", { seq: opened.seq, result: byId("result").value, found, seal: byId("seal").value, second: byId("second").value });
  if (done) { byId("opened").hidden = true; byId("form").reset(); }
}

await begin("bench", show);
byId("result").replaceChildren(...RESULTS.map((result) => element("option", { value: result }, result)));
byId("form").addEventListener("submit", record);
