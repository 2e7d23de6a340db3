// Runs before the first paint, so that a page that was switched to dark never flashes white.
"use strict";

const theme = localStorage.getItem("rowbell.theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
