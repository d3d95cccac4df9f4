// Picture, declared lines and difference of one parcel, side by side.
import { byId, element, interval, kilograms, request, svg } from "./common.js";

let shownImage = "";

export async function picture(parcel) {
  const place = byId("picture");
  const sha = parcel ? parcel.image : "";
  if (sha === shownImage && sha) return;
  shownImage = sha;
  byId("regions").replaceChildren();
  if (!sha) {
    place.replaceChildren(element("div", { class: "empty" }, "No picture yet"));
    return;
  }
  const image = element("img", { src: `/api/images/${sha}.png`, alt: `X-ray picture of parcel ${parcel.seq}` });
  place.replaceChildren(image);
  outlines(place, sha, 12);
}

async function outlines(place, sha, tries) {
  let overlay;
  try {
    overlay = await request(`/api/overlays/${sha}.json`);
  } catch {
    // The count is still running: its outlines come a moment after the picture.
    if (tries > 0 && sha === shownImage) setTimeout(() => outlines(place, sha, tries - 1), 400);
    return;
  }
  if (sha !== shownImage) return;
  const drawing = svg("svg", { viewBox: `0 0 ${overlay.width} ${overlay.height}`, preserveAspectRatio: "none" });
  for (const region of overlay.regions) {
    const points = region.polygon.map((point) => point.join(",")).join(" ");
    drawing.append(svg("polygon", { points, class: region.explained ? "outline" : "outline odd" }));
    const [left, top] = region.box;
    drawing.append(svg("text", { x: left, y: Math.max(top - 6, 24), class: "outlinetext" }, region.number));
  }
  place.append(drawing);
  const words = overlay.regions.map((region) => element("li", {}, `${region.number}: ${region.label}${region.explained ? "" : " (fits no declared line)"}`));
  byId("regions").replaceChildren(...words);
}

export function facts(parcel) {
  const place = byId("facts");
  if (!parcel) { place.replaceChildren(element("p", { class: "soft" }, "No parcel has been scanned yet.")); return; }
  const rows = parcel.lines.map((line) => element("tr", {},
    element("td", { class: "number" }, line.line_no),
    element("td", {}, line.name, element("div", { class: "soft" }, `${line.sku} ${line.hs_code}`), element("div", { class: "soft" }, line.rule)),
    element("td", { class: "number" }, `${line.qty_e5 < 0 ? "none" : line.qty_e5 / 1e5} × ${line.unit}`),
    element("td", { class: "number" }, interval(line.expected)),
    element("td", { class: "number" }, interval(line.seen)),
    element("td", { class: line.finding }, line.finding || "…", element("div", { class: "soft" }, line.reason))));
  const grounds = parcel.grounds.length
    ? element("ul", {}, ...parcel.grounds.map((ground) => element("li", {}, element("strong", {}, ground), `: ${parcel.ground_meanings[ground]}`)))
    : element("p", { class: "soft" }, parcel.route ? "No open ground." : "No ground so far.");
  place.replaceChildren(
    element("h2", {}, `Parcel ${parcel.seq}: ${parcel.waybill || parcel.code || "no code read"}`),
    element("p", {}, `list ${parcel.list_no || "none"}, status ${parcel.status_code || "none"} (${parcel.status_class}), draw: ${parcel.draw}`),
    element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {},
      ...["line", "goods", "declared", "expected", "seen", "finding"].map((word) => element("th", {}, word)))), element("tbody", {}, ...rows))),
    element("p", {}, `gross ${kilograms(parcel.gross_mg)} declared, ${kilograms(parcel.weight_mg)} weighed` +
      (parcel.unexplained ? `; ${parcel.unexplained} objects fit no line` : "")),
    element("p", {}, "Route: ", element("strong", { class: parcel.route }, parcel.route || "not decided yet"),
      parcel.route === "INSPECT" ? `, ${parcel.instruction}` : ""),
    grounds);
}
