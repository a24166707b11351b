// Light, dark, or what the system says.
{
  const button = $("theme");
  const root = document.documentElement;
  const order = ["auto", "light", "dark"];
  const told = () => { button.textContent = `Theme: ${root.dataset.theme || "auto"}`; };
  button.addEventListener("click", () => {
    const next = order[(order.indexOf(root.dataset.theme || "auto") + 1) % order.length];
    if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
    try {
      if (next === "auto") localStorage.removeItem("linmem-theme"); else localStorage.setItem("linmem-theme", next);
    } catch { /* it holds until the page is left */ }
    told();
  });
  told();
}
