// How a test talks with a client: a command in JSON on each line of stdin, what the client saw on
// each line of stdout. The program ends with its stdin.
import { createInterface } from 'node:readline';

export function tell(seen) {
  process.stdout.write(JSON.stringify(seen) + '\n');
}

export function errorsOf(errors) {
  return errors?.map(({ message, path, extensions }) => ({ message, path, extensions }));
}

export async function obey(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...options } = JSON.parse(line);
    // Not awaited: an answer that takes its time must not hold up the next command.
    Promise.resolve(commands[command](options)).catch((error) =>
      tell({ name: options.name, thrown: error.message }),
    );
  }
  process.exit(0);
}
