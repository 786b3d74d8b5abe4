/** Shows the page before the rest of its modules is fetched: they are many, and none is needed to see it. */

const start = () => import("./app.js");

document.addEventListener("visibilitychange", start, { once: true });
if (document.hidden) start();
else requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(start)));
