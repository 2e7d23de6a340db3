// JSON that people type: where it is wrong, in line and column.

/** { value } or { problem }. An empty text is no payload. */
export function parsed(text) {
  if (!text.trim()) return { value: null };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: `This is no JSON${place(text, error.message)}` };
  }
}

/** Bytes that the service counts against its 64 KiB. */
export function bytesOf(value) {
  return value === null ? 0 : new TextEncoder().encode(JSON.stringify(value)).length;
}

function place(text, message) {
  const at = /position (\d+)/.exec(message);
  const words = message.replace(/ in JSON at position.*| is not valid JSON.*/s, "");
  if (!at) return `: ${words}.`;
  const before = text.slice(0, Number(at[1])).split("\n");
  return ` (line ${before.length}, column ${before.at(-1).length + 1}): ${words}.`;
}
