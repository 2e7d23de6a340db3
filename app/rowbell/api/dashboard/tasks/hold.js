// When a list must not move: while somebody has scrolled down, points at it, or works in it.
import { useEffect, useRef } from "../hooks.js";

const POINTING_MS = 2_500;
const TOP = 60;

/** What to put on the body of the list. New rows wait while one of these is going on. */
export function useHold(feed, isSelecting) {
  const timer = useRef(0);
  useEffect(() => {
    const scrolled = () => feed.hold("scrolled", scrollY > TOP);
    scrolled();
    addEventListener("scroll", scrolled, { passive: true });
    return () => {
      removeEventListener("scroll", scrolled);
      clearTimeout(timer.current);
    };
  }, [feed]);
  useEffect(() => feed.hold("selecting", isSelecting), [feed, isSelecting]);

  const rest = () => {
    clearTimeout(timer.current);
    feed.hold("pointing", false);
  };
  return {
    onPointerMove() {
      feed.hold("pointing", true);
      clearTimeout(timer.current);
      timer.current = setTimeout(rest, POINTING_MS);
    },
    onPointerLeave: rest,
    onFocusIn: () => feed.hold("within", true),
    onFocusOut: (event) => feed.hold("within", event.currentTarget.contains(event.relatedTarget)),
  };
}
