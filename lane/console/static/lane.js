// Lane page: belt, current parcel, alarms, rates, orders.
import { begin, byId, element, order, percent, request, say } from "./common.js";
import { beltState } from "./belt.js";
import { facts, picture } from "./parcel-card.js";

const BUTTONS = ["Reset", "Start", "Stop", "Hold", "Unhold", "Clear"];
let current = null, now = 0;

function show(state, me) {
  beltState(state);
  current = state.current;
  picture(current);
  facts(current);
  review(me);
  rates(state);
  counts(state);
  alarms(state, me);
  devices(state);
}

function review(me) {
  const asked = Boolean(current && current.review && me.orders.includes("Review"));
  byId("clear").disabled = byId("inspect").disabled = !asked;
  byId("asked").textContent = asked
    ? "Your decision is asked. Doing nothing sends it to INSPECT."
    : current && current.review_answer ? `Answered: ${current.review_answer}` : "No decision is asked.";
}

function answer(clear) {
  if (current && current.review) order("Review", { seq: current.seq, image_sha256: current.image, clear });
}

function rows(place, pairs) {
  byId(place).replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function rates(state) {
  rows("rates", [
    ["Draw rate (target 5.5 %)", percent(state.rates.draw)],
    ["Fulfilment (target 100 %)", percent(state.rates.fulfilment)],
    ["Inspect share, all grounds", percent(state.rates.inspect)],
  ]);
}

function counts(state) {
  const pairs = [["inducted", "Inducted"], ["released", "Released"], ["diverted", "Diverted"], ["custody_unproven", "Custody unproven"], ["tracking_lost", "Tracking lost"]];
  rows("counts", [...pairs.map(([key, name]) => [name, state.counts[key] || 0]), ["Waiting at the bench", state.bench_waiting],
    ...Object.entries(state.grounds).map(([ground, n]) => [ground, n])]);
}

let shownAlarms = "";

function shelf(alarm, me, now_us) {
  if (alarm.shelved_until_us > now_us()) return [element("span", { class: "soft" }, ` shelved until ${alarm.shelved_until || "a time to come"}`)];
  if (!alarm.shelvable || !me.orders.includes("ShelveAlarm")) return [];
  const minutes = element("input", { type: "number", min: 1, max: 480, value: 15, "aria-label": `minutes to shelve alarm ${alarm.number}` });
  return [" ", minutes, " min ", element("button", { onclick: () => minutes.reportValidity() && order("ShelveAlarm", { number: alarm.number, until_us: now_us() + Math.round(minutes.value * 60e6) }) }, "Shelve")];
}

function alarms(state, me) {
  now = Math.max(state.belt.at_us, state.figures.at_us || 0);
  // Drawn anew only on a change, so that minutes half typed are not lost.
  const key = JSON.stringify(state.alarms.map((alarm) => ({ ...alarm, shelved: alarm.shelved_until_us > now })));
  if (key === shownAlarms) return;
  shownAlarms = key;
  const list = state.alarms.map((alarm) => element("div", { class: alarm.acknowledged ? "alarm seen" : "alarm" },
    element("strong", {}, `${alarm.number} ${alarm.title}`), alarm.seq ? ` (parcel ${alarm.seq})` : "",
    element("div", {}, `${alarm.happened} ${alarm.detail} ${alarm.cause} What to do: ${alarm.way_out}`),
    alarm.acknowledged ? element("span", { class: "soft" }, `seen by ${alarm.acknowledged}`)
      : element("button", { disabled: !me.orders.includes("AcknowledgeAlarm"), onclick: () => order("AcknowledgeAlarm", { number: alarm.number }) }, "Acknowledge"),
    ...shelf(alarm, me, () => now)));
  byId("alarms").replaceChildren(...(list.length ? list : [element("p", { class: "soft" }, "No alarm.")]));
}

function devices(state) {
  const links = Object.entries(state.figures.devices || {}).map(([name, link]) => [name,
    link.connected === false ? element("strong", { class: "bad" }, "LINK LOST") : `${link.requests ?? link.frames ?? 0} answers, ${link.failures ?? 0} failures`]);
  const late = state.figures.lateness_ms;
  rows("devices", [...links, ...(late ? [["Cycle lateness p99", `${late.p99} ms`]] : [])]);
}

const me = await begin("lane", show);
byId("orders").replaceChildren(...BUTTONS.map((name) => element("button", { disabled: !me.orders.includes(name), onclick: () => order(name) }, name)));
byId("nonces").hidden = !me.nonces;
byId("nonces").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const answer = await request("/api/nonces", { digits: byId("digits").value });
    say(answer.accepted ? `Digits entered: ${answer.epochs} epochs ready.` : `Digits refused. ${answer.reason}`, !answer.accepted);
    if (answer.accepted) byId("nonces").reset();
  } catch (error) { say(`Digits: ${error.message}`, true); }
});
byId("clear").addEventListener("click", () => answer(true));
byId("inspect").addEventListener("click", () => answer(false));
document.addEventListener("keydown", (key) => {
  if (key.target.matches("input, select, textarea") || key.ctrlKey || key.metaKey || key.altKey) return;
  if (key.key === "c" || key.key === "C") answer(true);
  if (key.key === "i" || key.key === "I") answer(false);
});
