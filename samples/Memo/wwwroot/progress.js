import { element } from "./dom.js";

const svg = (name, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};

export function showProgress({ points }) {
  const width = 600;
  const height = 200;
  const x = i => 30 + (points.length < 2 ? 0 : i * (width - 50) / (points.length - 1));
  const y = score => height - 20 - (score - 1) * (height - 40) / 4;
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const title = svg("title", {});
  title.textContent = points.length === 0
    ? "There are no scores yet."
    : `Overall scores over time, the last one ${points.at(-1).overall} of 5. The table below has all of them.`;
  chart.append(title);
  for (let score = 1; score <= 5; score++) {
    const label = svg("text", { x: 8, y: y(score) + 4 });
    label.textContent = score;
    chart.append(label, svg("line", { x1: 24, x2: width - 8, y1: y(score), y2: y(score) }));
  }
  chart.append(svg("polyline", { points: points.map((point, i) => `${x(i)},${y(point.overall)}`).join(" ") }));
  chart.append(...points.map((point, i) => svg("circle", { cx: x(i), cy: y(point.overall), r: 4 })));
  element("chart").replaceChildren(chart);

  const names = [...new Map(points.flatMap(point => point.criteria).map(each => [each.id, each.name])).entries()];
  const row = (tag, texts) => {
    const line = document.createElement("tr");
    line.append(...texts.map(text => Object.assign(document.createElement(tag), { textContent: text })));
    return line;
  };
  element("progress-head").replaceChildren(row("th", ["When", "Overall", ...names.map(([, name]) => name)]));
  element("progress-rows").replaceChildren(...points.map(point => row("td", [
    new Date(point.createdAt).toLocaleString() + (point.isMock ? " (mock)" : ""), point.overall,
    ...names.map(([id]) => point.criteria.find(each => each.id === id)?.score ?? "")])));
}
