/**
 * Shows the page step by step: first its head and the present emotion, then the panels, whose
 * places were kept, while its modules are fetched.
 */

const start = () => {
  document.body.classList.remove("opening");
  return import("./app.js");
};

document.addEventListener("visibilitychange", start, { once: true });
if (document.hidden) start();
else requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(start)));
