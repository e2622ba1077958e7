import { element, list, show } from "./dom.js";

// All of it is put in as text: nothing that a model or a person wrote becomes markup.
export function showFeedback(evaluation, text) {
  const result = evaluation.result;
  show("no-feedback", false);
  show("result", true);
  element("overall").textContent = result.overall.toFixed(2);
  element("label").textContent = evaluation.isMock ? "mock" : "";
  list("strengths", result.strengths);
  list("opportunities", result.opportunities);
  list("criteria", result.criteria.map(each => `${each.score} of 5 · ${each.name} (weight ${each.weight}): ${each.justification}`));
  element("segments").replaceChildren(...result.segments.map((segment, i) => {
    const item = document.createElement("li");
    item.id = `segment-${i + 1}`;
    item.tabIndex = -1;
    const lines = [segment.comment, ...segment.questions, ...segment.suggestions.map(each => `→ ${each}`)];
    item.append(...lines.map(line => Object.assign(document.createElement("p"), { textContent: line })));
    const back = Object.assign(document.createElement("button"), { textContent: "Show in the text", type: "button" });
    back.className = "small";
    back.addEventListener("click", () => jump(`mark-${i + 1}`));
    item.append(back);
    return item;
  }));
  element("marked").replaceChildren(...marked(text, result.segments));
}

// Segments may lie in each other: the text is cut at every border, and a piece is marked if any segment covers it.
function marked(text, segments) {
  const borders = new Set([0, text.length]);
  for (const { start, length } of segments) borders.add(start).add(start + length);
  const cuts = [...borders].filter(border => border <= text.length).sort((a, b) => a - b);
  return cuts.slice(0, -1).flatMap((start, i) => {
    const piece = text.slice(start, cuts[i + 1]);
    const numbers = segments.flatMap((each, n) => each.start <= start && start < each.start + each.length ? [n + 1] : []);
    if (numbers.length === 0) return [document.createTextNode(piece)];
    const mark = document.createElement("mark");
    mark.textContent = piece;
    const ended = numbers.filter(n => segments[n - 1].start + segments[n - 1].length === cuts[i + 1]);
    return [mark, ...ended.map(reference)];
  });
}

// The number of a comment behind what it is about: a way there for keys and screen readers, too.
function reference(number) {
  const link = Object.assign(document.createElement("button"), { textContent: number, type: "button" });
  link.className = "reference";
  link.id = `mark-${number}`;
  link.setAttribute("aria-label", `Comment ${number}`);
  link.addEventListener("click", () => jump(`segment-${number}`));
  return link;
}

function jump(id) {
  element(id).focus();
  element(id).scrollIntoView({ block: "center" });
}
