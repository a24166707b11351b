// Observations: the question, and which runtimes answer alike. Each group has a letter and a colour; the letter tells
// the same as the colour.
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const letter = (number) => LETTERS[number] || String(number + 1);
const SECTIONS = [
  ["everywhere", "Safe to rely on everywhere", "All runtimes gave the same answer, through every view kind and with every guest."],
  ["by guest", "Depends on the guest, not on the runtime", "With the same guest all runtimes gave the same answer."],
  ["differs", "Differs", "A program that relies on one of these answers works on some runtimes only. Runtimes with the same letter answer alike."],
  ["where answered", "Alike where it was answered", "No answer contradicts another, but not everyone gave one."],
  ["one runtime", "Answered by one runtime only", "There is nothing to compare."],
];

const phraseWords = ({ runtime, views, guests }) => [make("b", null, runtime), views ? ` ${views}` : null, guests ? make("span.soft", null, ` ${guests}`) : null];

// Who of a group gave an answer: runtimes with the same view kinds and guests together, and no names where it is all.
const sharedWho = (who, columns) => {
  const ways = new Map();
  for (const { runtime, views, guests } of who) {
    const way = JSON.stringify([views, guests]);
    if (!ways.has(way)) ways.set(way, []);
    ways.get(way).push(runtime);
  }
  return joined([...ways].map(([way, runtimes]) => {
    const [views, guests] = JSON.parse(way);
    const words = [views, guests].filter(Boolean).join(" ");
    return [runtimes.length === columns.length && words ? null : make("b", null, runtimes.join(", "), " "), make("span.soft", null, words)];
  }), "; ");
};

// A square for each runtime of the run, in the columns' order, so that patterns can be seen from row to row.
const strip = (finding) => {
  const of = new Map();
  finding.groups.forEach((group, number) => group.columns.forEach((column) => of.set(column.label, number)));
  const words = finding.groups.map((group, number) => `${letter(number)}: ${group.columns.map((column) => column.label).join(", ")}`).join("; ");
  return make(".strip", { role: "img", "aria-label": words }, COLUMNS.map((column) => {
    const number = of.get(column.label);
    return make(number === undefined ? "i.none" : `i.g${Math.min(number, 7)}`, { title: `${column.label}: ${number === undefined ? "no answer" : letter(number)}` }, number === undefined ? "–" : letter(number));
  }));
};

const ask = (finding) => make(".ask", null, make("h4", { tabindex: "-1" }, finding.question),
  make("p.in", null, link(finding.suite.address, finding.suite.title), " · ", link(finding.address, "link")));
// Each runtime's own words, where they are other words than the answer.
const wordsOf = (words) => (words.length ? make("small.words", null, joined(words.map(([runtime, said]) => make("span", null, COLUMNS.length > 3 && runtime.split(", ").length === COLUMNS.length ? "all " : `${runtime} `, make("q", null, said))), " ")) : null);

const findingOf = (finding, compact) => {
  const all = finding.groups.length === 1 && finding.groups[0].columns.length === COLUMNS.length;
  const groups = finding.groups.map((group, number) => make("div", null,
    make("dt", null, make(`i.g${Math.min(number, 7)}`, { "aria-hidden": "true" }, letter(number)), make("span.hidden", null, `group ${letter(number)}: `),
      all ? `all ${COLUMNS.length} runtimes` : group.columns.map((column) => column.label).join(", ")),
    group.answers.map(({ answer, who, words }) => make("dd", null, make("span.answer", null, answer),
      group.answers.length > 1 ? make("small", null, " ", sharedWho(who, group.columns)) : null,
      wordsOf(words)))));
  const scenarios = make(".in", null, joined(finding.rows.slice(0, 4).map((row) => link(row.address, row.title))),
    finding.rows.length > 4 ? make("details.plainly", null, make("summary", null, `and ${finding.rows.length - 4} more`),
      make("p", null, joined(finding.rows.slice(4).map((row) => link(row.address, row.title))))) : null);
  if (compact) {
    const [{ answers }] = finding.groups;
    return make("article.finding", { "data-address": finding.address }, ask(finding), make(".tell", null,
      answers.map(({ answer, words }) => [make("p.answer", null, make("span", { "aria-hidden": "true" }, "✓ "), answer), wordsOf(words)]), scenarios));
  }
  return make("article.finding", { "data-address": finding.address },
    ask(finding),
    make(".tell", null, strip(finding),
      make("dl.groups", null, groups,
        finding.silent.map(({ why, who }) => make("div.soft", null, make("dt", null, `no answer: ${why}`), make("dd", null, joined(who.map(phraseWords), "; "))))),
      scenarios));
};

const portabilityView = (() => {
  const place = $("findings");
  let words = null;
  const searched = cached((finding) => [finding.suite.title, finding.question, finding.agreement,
    ...finding.rows.map((row) => `${row.title} ${row.address}`),
    ...finding.groups.flatMap((group) => group.answers.flatMap(({ answer, who }) => [answer, ...who.map((one) => `${one.runtime} ${one.views}`)])),
    ...finding.silent.flatMap(({ why, who }) => [why, ...who.map((one) => one.runtime)]),
  ].join(" ").toLowerCase());
  const draw = () => {
    const found = FINDINGS.filter((finding) => words.every((word) => searched(finding).includes(word)));
    const sections = COLUMNS.length < 2 ? [[null, "What was observed", "One runtime took part, so nothing is compared."]] : SECTIONS;
    const parts = sections.map(([agreement, title, about]) => [title, about, found.filter((finding) => !agreement || finding.agreement === agreement), agreement]).filter(([, , some]) => some.length);
    place.replaceChildren(...(parts.length > 1 ? [make("ul.parts", null, parts.map(([title, , some, agreement]) => make("li", null,
      make("button.chip", { type: "button", onclick: () => place.querySelector(`[data-part="${agreement}"]`).scrollIntoView() }, title, make("small", null, ` ${some.length}`)))))] : []),
      ...parts.map(([title, about, some, agreement]) => {
        const list = make(".list");
        portions(list, some, (finding) => findingOf(finding, agreement === "everywhere"), 300, "finding");
        return make("section.part", { "data-part": agreement }, make("h3", null, title, make("small", null, ` ${some.length}`)), make("p.about", null, about), list);
      }));
    if (!found.length) place.replaceChildren(make("p.soft", null, FINDINGS.length ? "Nothing matches." : "Nothing was observed."));
    return found.length;
  };
  return {
    draw() { if (words === null) this.filter([]); },
    filter(query) {
      words = query;
      return draw();
    },
    reveal(address) {
      this.draw();
      const find = () => place.querySelector(`[data-address="${CSS.escape(address)}"]`);
      if (!find() && words.length) this.filter([]);
      for (let more = place.querySelector("button.more"); !find() && more; more = place.querySelector("button.more")) more.click();
      const found = find();
      if (!found) return;
      found.classList.add("marked");
      found.scrollIntoView({ block: "start" });
      found.querySelector("h4").focus({ preventScroll: true });
    },
  };
})();
