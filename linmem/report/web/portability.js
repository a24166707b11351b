// Open questions, topic by topic: first how many were answered alike, then the questions, then who answered what.
// Runtimes that answer alike have a letter and a colour; the letter tells the same as the colour.
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const letter = (number) => LETTERS[number] || String(number + 1);
// What a question counts as: its agreements from the best to the worst, and the words for each.
const AGREED = [
  ["everywhere", "one answer everywhere", ["everywhere", "by guest"]],
  ["partly", "not answered by all", ["one runtime", "where answered"]],
  ["differs", "different answers", ["differs"]],
];
const PARTS = {
  everywhere: ["One answer everywhere", "All runtimes gave the same answer, through every view kind and with every guest."],
  "by guest": ["Depends on the guest, not on the runtime", "With the same guest all runtimes gave the same answer."],
  differs: ["Different answers", "A program that relies on one of these answers works on some runtimes only. Runtimes with the same letter answer alike."],
  "where answered": ["Alike where it was answered", "No answer contradicts another, but not everyone gave one."],
  "one runtime": ["Answered by one runtime only", "There is nothing to compare."],
};
const kindOf = (agreement) => AGREED.findIndex(([, , some]) => some.includes(agreement));

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
  return make("span.strip", { role: "img", "aria-label": words }, columnChoice.shown().map((column) => {
    const number = of.get(column.label);
    return make(number === undefined ? "i.none" : `i.g${Math.min(number, 7)}`, { title: `${column.label}: ${number === undefined ? "no answer" : letter(number)}` }, number === undefined ? "–" : letter(number));
  }));
};

// Each runtime's own words, where they are other words than the answer.
const wordsOf = (words) => (words.length ? make("small.words", null, joined(words.map(([runtime, said]) => make("span", null, COLUMNS.length > 3 && runtime.split(", ").length === COLUMNS.length ? "all " : `${runtime} `, make("q", null, said))), " ")) : null);

// The answers in a line: all of a finding with one group, the letters and the first words of the others.
const gist = (finding) => {
  const said = ({ answers }) => answers.map(({ answer }) => answer || "nothing").join(" / ");
  if (finding.groups.length === 1) return make("span.gist", null, make("span.answer", null, said(finding.groups[0])));
  return make("span.gist", null, finding.groups.slice(0, 4).map((group, number) => make("span.one", null,
    make(`i.g${Math.min(number, 7)}`, { "aria-hidden": "true" }, letter(number)), ` ${said(group)}`)), finding.groups.length > 4 ? ` and ${finding.groups.length - 4} more` : null);
};

const bodyOf = (finding) => {
  const all = finding.groups.length === 1 && finding.groups[0].columns.length === COLUMNS.length;
  const groups = finding.groups.map((group, number) => make("div", null,
    make("dt", null, make(`i.g${Math.min(number, 7)}`, { "aria-hidden": "true" }, letter(number)), make("span.hidden", null, `group ${letter(number)}: `),
      all ? `all ${COLUMNS.length} runtimes` : group.columns.map((column) => column.label).join(", ")),
    group.answers.map(({ answer, who, words }) => make("dd", null, make("span.answer", null, answer),
      group.answers.length > 1 ? make("small", null, " ", sharedWho(who, group.columns)) : null,
      wordsOf(words)))));
  return make(".tell", null,
    make("dl.groups", null, groups,
      finding.silent.map(({ why, who }) => make("div.soft", null, make("dt", null, `no answer: ${why}`), make("dd", null, joined(who.map(phraseWords), "; "))))),
    make("p.in", null, "Asked by ", joined(finding.rows.slice(0, 4).map((row) => link(row.address, row.title))),
      finding.rows.length > 4 ? ` and ${finding.rows.length - 4} more scenarios` : null, " · ", link(finding.address, "link")),
    finding.rows.length > 4 ? make("details.plainly", null, make("summary", null, `All ${finding.rows.length} scenarios`),
      make("p.in", null, joined(finding.rows.map((row) => link(row.address, row.title))))) : null);
};
const findingOf = (finding) => lazily(make("details.finding", { "data-address": finding.address },
  make("summary", null, make("h5", { tabindex: "-1" }, finding.question), finding.groups.length > 1 ? strip(finding) : null, gist(finding))), () => bodyOf(finding));

const portabilityView = (() => {
  const place = $("findings");
  let words = null;
  let chosen = "";
  let topics = new Map(); // by suite: its details element
  const several = COLUMNS.length > 1;
  const searched = cached((finding) => [finding.suite.title, finding.question, finding.agreement,
    ...finding.rows.map((row) => `${row.title} ${row.address}`),
    ...finding.groups.flatMap((group) => group.answers.flatMap(({ answer, who }) => [answer, ...who.map((one) => `${one.runtime} ${one.views}`)])),
    ...finding.silent.flatMap(({ why, who }) => [why, ...who.map((one) => one.runtime)]),
  ].join(" ").toLowerCase());
  // A question counts once, as in the scenario where its answers agree least.
  const kinds = new Map();
  const key = (finding) => `${finding.suite.number} ${finding.id}`;
  for (const finding of FINDINGS) kinds.set(key(finding), Math.max(kinds.get(key(finding)) || 0, kindOf(finding.agreement)));
  const counts = (some) => {
    const tally = AGREED.map(() => 0);
    for (const one of new Set(some.map(key))) tally[kinds.get(one)] += 1;
    return tally;
  };

  const topicOf = (suite, some) => {
    const tally = counts(some);
    const sum = tally.reduce((a, b) => a + b, 0);
    const told = several ? AGREED.map(([name, label], number) => (tally[number] ? make(`span.count.${name}`, null, make("b", null, String(tally[number])), ` ${label}`) : null)) : null;
    const details = make("details.topic", { "data-topic": suite.address },
      make("summary", null, make("h3", { tabindex: "-1" }, suite.title), make("span.counts", null, make("span.count", null, plural(sum, "question")), told)));
    topics.set(suite, details);
    return lazily(details, () => Object.entries(PARTS).map(([agreement, [title, about]]) => {
      const mine = some.filter((finding) => finding.agreement === agreement);
      if (!mine.length) return [];
      return make("section.part", { "data-part": agreement }, several ? [make("h4", null, title), make("p.about", null, about)] : null, mine.map(findingOf));
    }));
  };
  const chips = () => {
    const tally = counts(FINDINGS);
    return make(".chips", { role: "group", "aria-label": "Which questions" }, [["", "All questions", tally.reduce((a, b) => a + b, 0)],
      ...AGREED.map(([name, label], number) => [name, label, tally[number]])].filter(([, , count]) => count).map(([name, label, count]) => make("button.chip", {
      type: "button", "data-which": name, "aria-pressed": String(chosen === name), onclick: () => { chosen = name; draw(); },
    }, label, make("small", null, ` ${count}`))));
  };
  const draw = () => {
    const found = FINDINGS.filter((finding) => (!chosen || AGREED[kinds.get(key(finding))][0] === chosen) && words.every((word) => searched(finding).includes(word)));
    topics = new Map();
    const list = SUITES.map((suite) => [suite, found.filter((finding) => finding.suite === suite)]).filter(([, some]) => some.length).map(([suite, some]) => topicOf(suite, some));
    place.replaceChildren(...(several && FINDINGS.length ? [chips()] : []), ...list);
    if (!found.length) place.append(make("p.soft", null, FINDINGS.length ? "Nothing matches." : "Nothing was observed."));
    if (list.length === 1 || (words.length && found.length <= 60)) for (const details of list) open(details);
    return found.length;
  };
  columnChoice.whenChanged(() => { if (words !== null) draw(); });
  return {
    draw() { if (words === null) this.filter([]); },
    filter(query) {
      words = query;
      return draw();
    },
    reveal(address) {
      this.draw();
      const finding = FINDINGS.find((one) => one.address === address);
      if (!finding) return;
      if (words.length || chosen) {
        chosen = "";
        this.filter([]);
      }
      open(topics.get(finding.suite));
      const found = place.querySelector(`[data-address="${CSS.escape(address)}"]`);
      open(found);
      found.classList.add("marked");
      found.scrollIntoView({ block: "start" });
      found.querySelector("h5").focus({ preventScroll: true });
    },
  };
})();
