// How two runtimes compare in a scenario, by the definition of linmem/report/profile.py.
const profile = (given) => {
  const guests = new Map();
  for (const [guest, view, value] of given) {
    if (!guests.has(guest)) guests.set(guest, new Map());
    const views = guests.get(guest);
    views.set(view, [...(views.get(view) || []), value]);
  }
  const found = new Map();
  for (const [guest, views] of guests) {
    const distinct = new Set([...views.values()].flat());
    found.set(guest, distinct.size === 1 ? `=${[...distinct][0]}` : `~${JSON.stringify([...views].map(([view, values]) => [view, [...new Set(values)].sort()]).sort())}`);
  }
  return found;
};
const likeness = (one, other) => {
  const common = [...one.keys()].filter((guest) => other.has(guest));
  if (!common.length) return "apart";
  return common.every((guest) => one.get(guest) === other.get(guest)) ? "alike" : "differs";
};

const cached = (make) => {
  const known = new Map();
  return (thing) => {
    if (!known.has(thing)) known.set(thing, make(thing));
    return known.get(thing);
  };
};
const outcomesOf = cached((cell) => profile(cell.parts.flatMap((part) => part.who.map(({ guest, view }) => [guest, view, part.outcome]))));
const answersOf = cached((answer) => profile(answer.given.flatMap(({ answer: said, view, guests }) => (guests.length ? guests : [""]).map((guest) => [guest, view, said]))));
const NOTHING = new Map();

// "alike", "outcome", "observed" (they differ only in answers), or "apart" (they can't be compared).
const comparedIn = (row, one, other) => {
  const [a, b] = [row.cells[one], row.cells[other]];
  if (!a || !b) return "apart";
  const outcomes = a === b && a.parts.length ? "alike" : likeness(outcomesOf(a), outcomesOf(b));
  if (outcomes !== "alike") return outcomes === "differs" ? "outcome" : "apart";
  let silent = false;
  for (const { answers } of row.observations) {
    const [mine, yours] = [answers[one], answers[other]];
    const [said, told] = [mine ? answersOf(mine) : NOTHING, yours ? answersOf(yours) : NOTHING];
    if (!said.size && !told.size) continue;
    const how = likeness(said, told);
    if (how === "differs") return "observed";
    silent ||= how === "apart";
  }
  return silent ? "apart" : "alike";
};
