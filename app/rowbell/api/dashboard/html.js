// Markup without a build step: html`<p>${text}</p>`. Whatever stands in ${} is text, never markup.
import htm from "htm";
import { h, options, render } from "preact";

export const html = htm.bind(h);
export { render };

// However much arrives, the page is drawn once a frame at the most.
options.debounceRendering = requestAnimationFrame;
