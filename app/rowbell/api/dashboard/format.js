// Numbers and times as people read them.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** 1,234; — where there is none. */
export function count(value) {
  return value == null ? "—" : Math.round(value).toLocaleString("en");
}

/** 3.1 /s, 0.05 /s, 1,240 /s. */
export function rate(value) {
  if (value == null) return "—";
  const digits = value === 0 || value >= 100 ? 0 : value >= 1 ? 1 : 2;
  return `${value.toLocaleString("en", { maximumFractionDigits: digits })} /s`;
}

/** 2.4 ms, 350 ms, 1.2 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function duration(seconds) {
  if (seconds == null) return "—";
  const length = Math.abs(seconds);
  if (length === 0) return "0 s";
  if (length < 0.01) return `${(length * 1000).toFixed(1)} ms`;
  if (length < 1) return `${Math.round(length * 1000)} ms`;
  if (length < 10) return `${length.toFixed(1)} s`;
  if (length < MINUTE) return `${Math.round(length)} s`;
  if (length < HOUR) return pair(length, MINUTE, "min", 1, "s");
  if (length < DAY) return pair(length, HOUR, "h", MINUTE, "min");
  return pair(length, DAY, "d", HOUR, "h");
}

function pair(length, large, one, small, other) {
  const whole = Math.floor(length / large);
  const rest = Math.floor((length - whole * large) / small);
  return rest && whole < 10 ? `${whole} ${one} ${rest} ${other}` : `${whole} ${one}`;
}

/** Without what would change from second to second for hours. */
function coarse(seconds) {
  if (seconds < MINUTE) return `${Math.round(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  return duration(seconds);
}

/** 12 s ago, in 3 min; "now" within half a second. */
export function ago(at, now = Date.now()) {
  if (at == null) return "—";
  const seconds = (now - new Date(at).getTime()) / 1000;
  if (Math.abs(seconds) < 0.5) return "now";
  const whole = coarse(Math.abs(seconds));
  return seconds > 0 ? `${whole} ago` : `in ${whole}`;
}

/** 14:03:11 of today, 21 Nov 14:03:11 of another day. */
export function clock(at) {
  if (at == null) return "—";
  const time = new Date(at);
  const hours = time.toLocaleTimeString("en-GB");
  if (time.toDateString() === new Date().toDateString()) return hours;
  const year = time.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return `${time.toLocaleDateString("en-GB", { day: "numeric", month: "short", year })} ${hours}`;
}

/** 1.2 GB. */
export function bytes(value) {
  if (value == null) return "—";
  let unit = 0;
  let left = Number(value);
  while (left >= 1000 && unit < UNITS.length - 1) {
    left /= 1000;
    unit += 1;
  }
  return `${left >= 10 || unit === 0 ? Math.round(left) : left.toFixed(1)} ${UNITS[unit]}`;
}

/** 42 %, 0.3 %, < 0.1 %. */
export function percent(share) {
  if (share == null) return "—";
  const value = share * 100;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${value > 0 && value < 1 ? value.toFixed(1) : Math.round(value)} %`;
}

/** many(3, "task") is "3 tasks". */
export function many(number, noun, plural = `${noun}s`) {
  return `${count(number)} ${number === 1 ? noun : plural}`;
}

/** Seconds of an ISO 8601 duration: PT1H30M, P1DT2S. */
export function secondsOf(text) {
  const parts = /^(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text ?? "");
  if (!parts) return null;
  const [, sign, days, hours, minutes, seconds] = parts;
  const sum = (days ?? 0) * DAY + (hours ?? 0) * HOUR + (minutes ?? 0) * MINUTE + Number(seconds ?? 0);
  return sign ? -sum : sum;
}
