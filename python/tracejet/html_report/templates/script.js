const root = document.documentElement;
document.getElementById("theme").addEventListener("click", () => {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
});
const rows = [...document.querySelectorAll("[data-find]")];
const texts = rows.map((row) => (row.dataset.find || row.textContent).toLowerCase());
document.getElementById("find").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  rows.forEach((row, i) => row.classList.toggle("hidden", wanted !== "" && !texts[i].includes(wanted)));
  document.querySelectorAll(".tree details").forEach((folder) => {
    const isFound = wanted === "" || folder.querySelector("[data-find]:not(.hidden)") !== null;
    folder.classList.toggle("hidden", !isFound);
    if (wanted !== "" && isFound) folder.open = true;
    const own = folder.querySelector(":scope > summary");
    if (isFound) own.classList.remove("hidden");
  });
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => (part.open = true)));
