// Light or dark, decided before anything is painted: the system's preference until the reader presses the button.
(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = "";
  const apply = () => {
    document.documentElement.dataset.theme = chosen || (system.matches ? "dark" : "light");
    document.dispatchEvent(new Event("themechange"));
  };
  window.setTheme = (theme) => {
    chosen = theme;
    apply();
  };
  window.currentTheme = () => document.documentElement.dataset.theme;
  system.addEventListener("change", apply);
  apply();
})();
