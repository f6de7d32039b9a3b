// SPDX-License-Identifier: Apache-2.0
// A member with all fixtures of the conformance suites, and tools of our own (gw_…).
// usage: member.mjs [--era legacy|modern|both] [--transport stdio|http|sse] [--host A] [--port N]
// Over HTTP its URL is the one line of its output. Needs what tests/referees/setup installs.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { member } from './member/state.mjs';

const { values: options } = parseArgs({
  options: {
    era: { type: 'string', default: 'legacy' },
    transport: { type: 'string', default: 'stdio' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
  },
});

function usage(message) {
  console.error(`member.mjs: ${message}`);
  process.exit(2);
}
if (!['legacy', 'modern', 'both'].includes(options.era))
  usage(`--era is legacy, modern or both, not ${options.era}`);
if (!['stdio', 'http', 'sse'].includes(options.transport))
  usage(`--transport is stdio, http or sse, not ${options.transport}`);
if (options.transport === 'sse' && options.era !== 'legacy')
  usage('--transport sse exists in the legacy era only');
member.era = options.era;
member.transport = options.transport;

const local = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
/** A page in a browser that reached us by a name of its own is refused. */
function foreign({ headers }) {
  if (options.host !== '127.0.0.1') return false;
  const origin = headers.origin?.replace(/^https?:\/\//, '');
  return !local.test(headers.host ?? '') || (origin !== undefined && !local.test(origin));
}

async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  if (!pieces.length) return undefined;
  try {
    return JSON.parse(Buffer.concat(pieces));
  } catch {
    return null;
  }
}

const fail = (response, status, code, message) => {
  if (response.headersSent) return response.destroy();
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }));
};

function listen(handle, path) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://member');
    try {
      if (foreign(request)) return fail(response, 403, -32000, 'Forbidden host or origin');
      if (path === '/mcp' && url.pathname !== path)
        return fail(response, 404, -32601, `There is only ${path}`);
      const body = await bodyOf(request);
      if (body === null) return fail(response, 400, -32700, 'Parse error: this is no JSON');
      await handle(request, response, body, url);
    } catch (error) {
      fail(response, 500, -32603, error.message);
    }
  });
  server.requestTimeout = 0;
  server.listen(Number(options.port), options.host, () =>
    console.log(`http://${options.host}:${server.address().port}${path}`));
}

const eras = {
  legacy: async () => import('./member/legacy.mjs'),
  modern: async () => import('./member/modern.mjs'),
};
if (options.transport === 'sse') {
  listen((await eras.legacy()).sse(), '/sse');
} else if (options.transport === 'stdio') {
  if (options.era === 'legacy') await (await eras.legacy()).serveStdio();
  else (await eras.modern()).serveStdio(options.era === 'both');
} else if (options.era === 'legacy') {
  listen((await eras.legacy()).streamable(), '/mcp');
} else {
  const legacy = options.era === 'both' ? (await eras.legacy()).streamable() : undefined;
  listen((await eras.modern()).streamable(legacy), '/mcp');
}
