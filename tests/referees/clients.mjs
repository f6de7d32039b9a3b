// SPDX-License-Identifier: Apache-2.0
// An official SDK's client that checks everything it can do with member.mjs behind an endpoint.
// usage: clients.mjs [--client v1|v2|v2-auto|v2-legacy] [--transport http|sse|stdio] [--name N]
//          [--only CHECK,...] [--skip CHECK,...] [--header 'K: V']... (--url URL | -- COMMAND ...)
// Exits 1 at the first wrong thing. The last line tells the member's pid and what it has counted.
import { parseArgs } from 'node:util';
import { checks } from './checks.mjs';
import { Peer } from './peer.mjs';

const { values: options, positionals: command } = parseArgs({
  allowPositionals: true,
  options: {
    client: { type: 'string', default: 'v1' },
    transport: { type: 'string' },
    url: { type: 'string' },
    name: { type: 'string', default: `referee-${process.pid}` },
    only: { type: 'string' },
    skip: { type: 'string', default: '' },
    header: { type: 'string', multiple: true },
  },
});
const transport = options.transport ?? (options.url ? 'http' : 'stdio');
if (transport === 'stdio' ? !command.length : !options.url) {
  console.error('clients.mjs: give --url URL, or -- COMMAND for the transport stdio');
  process.exit(2);
}
const chosen = options.only?.split(',') ?? Object.keys(checks);
const skipped = options.skip.split(',').filter(Boolean);
for (const name of [...chosen, ...skipped])
  if (!checks[name]) {
    console.error(`clients.mjs: no check is called ${name}: ${Object.keys(checks).join(', ')}`);
    process.exit(2);
  }

const headers = options.header && Object.fromEntries(options.header.map((line) => {
  const [key, ...rest] = line.split(':');
  return [key.trim(), rest.join(':').trim()];
}));
const peer = new Peer(options.client, options.name,
  { transport, url: options.url, command: command[0], args: command.slice(1), headers });

let at = 'connect';
const overdue = setTimeout(() => {
  console.error(`FAIL ${at}: not done after 120 s`);
  process.exit(1);
}, 120_000);
try {
  await peer.connect();
  console.log(`ok connect (${peer.modern ? 'modern' : 'legacy'} era)`);
  for (at of chosen) {
    if (skipped.includes(at)) continue;
    const start = performance.now();
    await checks[at](peer);
    console.log(`ok ${at} (${Math.round(performance.now() - start)} ms)`);
  }
  at = 'close';
  const { pid, counts, session } = await peer.json('gw_info');
  if (peer.transport.terminateSession && !peer.modern) await peer.transport.terminateSession();
  await peer.close();
  console.log(JSON.stringify({ pid, session, counts }));
  clearTimeout(overdue);
  process.exit(0);
} catch (error) {
  console.error(`FAIL ${at}: ${error.message}`);
  console.error(error.stack);
  for (const late of peer.errors.slice(-5)) console.error(`client error: ${late.message}`);
  process.exit(1);
}
