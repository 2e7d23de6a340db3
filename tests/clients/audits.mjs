// The server audits of graphql-http: prints one line of JSON for each, {id, name, status, reason}.
// node audits.mjs URL, with graphql-http where node finds it.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
for (const audit of serverAudits({ url })) {
  const result = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status: result.status, reason: result.reason }));
}
