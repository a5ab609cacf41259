// Before the first paint: the theme that somebody has chosen here, else the system's.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('conduit-theme');
  } catch {
    // A browser that keeps nothing: the system's, then.
  }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
