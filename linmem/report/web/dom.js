// Elements are made of names and texts only: nothing of the data is ever parsed as markup.
const $ = (id) => document.getElementById(id);
const make = (tag, options, ...children) => {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(options || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
};
const fill = (element, ...children) => element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
const link = (address, ...children) => make("a", { href: `#${address}` }, ...children);
const web = (url, ...children) => make("a", { href: url, rel: "noreferrer" }, ...children);
const mark = (status) => make("span", { "aria-hidden": "true" }, status.mark);
const badge = (status, label) => make(`b.s-${status.key}`, null, mark(status), ` ${label || status.label}`);
const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : noun.endsWith("sh") ? "es" : "s"}`;
const joined = (parts, separator = ", ") => parts.flatMap((part, number) => (number ? [separator, part] : [part]));

// "go, wat · Uint8Array": guests and view kinds of some results; view kinds with the same guests are named together.
const whoWords = (who) => {
  const guests = new Map();
  for (const { guest, view } of who) guests.set(view, [...(guests.get(view) || []), ...(guest ? [guest] : [])]);
  const views = new Map();
  for (const [view, names] of guests) views.set(names.join(", "), [...(views.get(names.join(", ")) || []), ...(view ? [view] : [])]);
  return [...views].map(([names, kinds]) => [names, kinds.join(", ")].filter(Boolean).join(" · ")).filter(Boolean).join("; ");
};

const command = (words) => {
  const button = make("button.copy", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(words);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return make(".command", null, make("code", null, words), button);
};

// A details element whose content is made when it is first opened.
const lazily = (details, content) => {
  details.tell = () => { if (details.childElementCount < 2) details.append(...[content()].flat(Infinity)); };
  details.addEventListener("toggle", details.tell);
  return details;
};
const open = (details) => {
  if (details.tell) details.tell();
  details.open = true;
};

// Fill a list in portions, so that thousands of entries don't hold the page up; the rest comes on request.
const portions = (place, items, draw, size, noun) => {
  place.replaceChildren();
  let shown = 0;
  const more = make("button.more", { type: "button" });
  const next = (count) => {
    place.append(...items.slice(shown, shown + count).map(draw));
    shown = Math.min(shown + count, items.length);
    if (shown < items.length) {
      more.textContent = `Show ${Math.min(size, items.length - shown)} more of ${plural(items.length, noun)}`;
      place.append(more);
    } else more.remove();
  };
  more.addEventListener("click", () => next(size));
  next(size);
  return (item) => { while (shown < items.length && items.indexOf(item) >= shown) next(size); };
};

const cached = (make) => {
  const known = new Map();
  return (thing) => {
    if (!known.has(thing)) known.set(thing, make(thing));
    return known.get(thing);
  };
};
