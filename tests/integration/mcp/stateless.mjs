// SPDX-License-Identifier: Apache-2.0
// A server of revision 2026-07-28, made with the official SDK.
// Arguments: the folder that holds node_modules; stdio or http; reject or serve (whether clients
// that open with `initialize` are refused). Over HTTP the port is the one line of its output.
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [sdk, transport, legacy] = process.argv.slice(2);
const require = createRequire(join(sdk, 'package.json'));
const { McpServer, createMcpHandler } = require('@modelcontextprotocol/server');
const { serveStdio } = require('@modelcontextprotocol/server/stdio');

function make() {
  const server = new McpServer({ name: 'stateless', version: '1.2.3' });
  for (const name of ['add', 'echo'])
    server.registerTool(name, { description: name }, async () => ({ content: [] }));
  return server;
}

async function body(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return pieces.length ? Buffer.concat(pieces) : undefined;
}

if (transport === 'stdio') {
  serveStdio(make, { legacy });
} else {
  const handler = createMcpHandler(make, { legacy: legacy === 'serve' ? 'stateless' : 'reject' });
  const server = createServer(async (request, response) => {
    const answer = await handler.fetch(new Request(`http://127.0.0.1${request.url}`, {
      method: request.method, headers: request.headers, body: await body(request),
    }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body) for await (const piece of answer.body) response.write(piece);
    response.end();
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
