// What went wrong, in the words of the service.

export class Problem extends Error {
  /** `code` as in extensions.code, `hint` says what to do; `errors` is all that GraphQL told. */
  constructor(message, { code = "", hint = "", field = "", errors = [] } = {}) {
    super(message);
    Object.assign(this, { name: "Problem", code, hint, field, errors });
  }

  static of(errors) {
    const [first = {}] = errors;
    const { code, hint, field } = first.extensions ?? {};
    return new Problem(first.message ?? "It failed, without a word.", { code, hint, field, errors });
  }
}

/** A sentence: with a capital, with a full stop. */
export function sentence(text) {
  const trimmed = String(text ?? "").trim();
  if (!trimmed) return "";
  return trimmed[0].toUpperCase() + trimmed.slice(1) + (/[.!?…]$/.test(trimmed) ? "" : ".");
}
