// Parcel page: find one, see its whole story.
import { begin, byId, element, request, say } from "./common.js";
import { facts, picture } from "./parcel-card.js";

async function search(event) {
  event.preventDefault();
  try {
    const found = await request(`/api/parcels?find=${encodeURIComponent(byId("find").value)}`);
    say(found.length ? `${found.length} found.` : "Nothing found among the last parcels: check the number, or its first characters.", !found.length);
    byId("hits").replaceChildren(...found.map((parcel) => element("li", {}, element("button", { onclick: () => open(parcel.seq) },
      `${parcel.seq}  ${parcel.code || "no code"}  ${parcel.route || "on the belt"}  ${parcel.custody}`))));
    if (found.length === 1) await open(found[0].seq);
  } catch (error) { say(error.message, true); }
}

async function open(seq) {
  const parcel = await request(`/api/parcels/${seq}`);
  picture(parcel);
  facts(parcel);
  byId("story").replaceChildren(...parcel.story.map((record) => {
    const { index, kind, v, at_us, belt_um, ...rest } = record;
    return element("tr", {}, element("td", { class: "number" }, index), element("td", { class: "number" }, (at_us / 1e6).toFixed(3)),
      element("td", { class: "number" }, (belt_um / 1e3).toFixed(0)), element("td", {}, kind), element("td", {}, element("pre", {}, JSON.stringify(rest))));
  }));
}

await begin("parcel", () => {});
byId("search").addEventListener("submit", search);
const wanted = new URLSearchParams(location.search).get("find");
if (wanted) { byId("find").value = wanted; byId("search").requestSubmit(); }
byId("find").focus();
