// What every page shares: requests, the live connection, small DOM helpers. All text goes in as text, never as HTML.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return node;
}

export function svg(tag, attributes = {}, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== "") node.textContent = text;
  return node;
}

export const byId = (id) => document.getElementById(id);

export async function request(path, body) {
  const answer = await fetch(path, body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (answer.status === 401 && !path.endsWith("login")) { location.href = "/login"; throw new Error("Signed out."); }
  const data = await answer.json();
  if (!answer.ok) throw new Error(typeof data.detail === "string" ? data.detail : "Refused: " + JSON.stringify(data.detail));
  return data;
}

export async function order(name, fields = {}) {
  try {
    const answer = await request("/api/orders", { order: name, fields });
    const reason = answer.accepted ? answer.refused : answer.reason;
    say(reason ? (reason.startsWith(name) ? reason : `${name}: refused. ${reason}`) : `${name}: accepted.`, Boolean(reason));
    return !reason;
  } catch (error) {
    say(`${name}: ${error.message}`, true);
    return false;
  }
}

export function say(text, bad = false) {
  const place = byId("message");
  place.textContent = text;
  place.className = bad ? "message bad" : "message";
}

export const kilograms = (mg) => (mg < 0 ? "none" : (mg / 1e6).toFixed(3) + " kg");
export const interval = ([low, high]) => (low < 0 ? "none" : low === high ? String(low) : `${low} to ${high}`);
export const percent = ({ part, of }) => (of ? `${((100 * part) / of).toFixed(2)} %  (${part} of ${of})` : "none yet");

export function frame(page, me, state) {
  document.body.classList.toggle("twin", state.kind === "twin");
  byId("twinword").hidden = state.kind !== "twin";
  const machine = byId("machine");
  machine.textContent = state.core_up ? state.machine.state : `${state.machine.state} (core does not answer)`;
  machine.className = "badge " + (state.machine.state === "EXECUTE" && state.core_up ? "ok" : "doubt");
  byId("cause").textContent = ["PROVEN", "ORDERED", "CURED"].includes(state.machine.cause) ? "" : state.machine.cause;
  byId("who").textContent = `${me.person}, ${me.role}`;
}

export async function begin(page, show) {
  const me = await request("/api/me");
  byId("logout").addEventListener("click", async () => { await request("/api/logout", {}); location.href = "/login"; });
  document.querySelectorAll("nav a").forEach((link) => link.dataset.page === page && link.setAttribute("aria-current", "page"));
  let pause = 200;
  const connect = () => {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    socket.onmessage = (message) => {
      pause = 200;
      const state = JSON.parse(message.data);
      frame(page, me, state);
      byId("link").textContent = "live";
      show(state, me);
    };
    socket.onclose = (closed) => {
      if (closed.code === 4401) { location.href = "/login"; return; }
      byId("link").textContent = "connection lost, trying again";
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, 3000);
    };
  };
  connect();
  return me;
}
