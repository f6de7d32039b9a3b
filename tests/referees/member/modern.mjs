// SPDX-License-Identifier: Apache-2.0
// The stateless era (revision 2026-07-28), on the official SDK v2. Over stdio it can serve clients
// of the session era too; over HTTP those go to the handler of SDK v1.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { capabilities, handlers, info, instructions, toolNamed } from './handlers.mjs';
import { load } from './sdk.mjs';
import { member } from './state.mjs';
import { extension, handlers as taskHandlers } from './tasks.mjs';

const { McpServer, createMcpHandler, isLegacyRequest } = load('@modelcontextprotocol/server');
const declared = 'io.modelcontextprotocol/clientCapabilities';
const revision = 'io.modelcontextprotocol/protocolVersion';

/** Its tools come and go, so it looks them up where the handlers do. */
class Member extends McpServer {
  toolInputSchemaJson(name) {
    return toolNamed(name)?.inputSchema;
  }
}

function makeCall(server, { mcpReq, http }) {
  const token = mcpReq._meta?.progressToken;
  return {
    id: mcpReq.id, signal: mcpReq.signal, meta: mcpReq._meta, session: 0,
    version: mcpReq.envelope?.[revision] ?? server.getNegotiatedProtocolVersion(),
    client: server.getClientVersion()?.name,
    capabilities: mcpReq.envelope?.[declared] ?? server.getClientCapabilities() ?? {},
    responses: mcpReq.inputResponses, state: mcpReq.requestState(), notFound: -32602,
    tasks: mcpReq.envelope !== undefined,
    headers: http?.req && Object.fromEntries(http.req.headers),
    log: (level, data) => mcpReq.log(level, data, 'referee-member'),
    progress: async (progress, total, message) => {
      if (token !== undefined)
        await mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: token, progress, total, message },
        });
    },
    closeStream: () => http?.closeSSE?.(),
  };
}

function make({ era }) {
  const extensions = era === 'modern' ? { extensions: { [extension]: {} } } : {};
  const product =
    new Member(info, { capabilities: { ...capabilities, ...extensions }, instructions });
  const { server } = product;
  for (const [method, handler] of Object.entries(handlers))
    server.setRequestHandler(method, async (request, context) => {
      const { standalone, ...result } =
        await handler(request.params ?? {}, makeCall(server, context));
      return result;
    });
  if (era === 'legacy') subscribeByRequest(server);
  else serveTasks(server);
  return product;
}

const anything = { '~standard': { version: 1, vendor: 'thv', validate: (value) => ({ value }) } };

function serveTasks(server) {
  for (const [method, handler] of Object.entries(taskHandlers))
    server.setRequestHandler(method, { params: anything },
      (params, context) => handler(params, makeCall(server, context)));
}

function subscribeByRequest(server) {
  const uris = server.subscribed = new Set();
  server.setRequestHandler('resources/subscribe', ({ params }) => (uris.add(params.uri), {}));
  server.setRequestHandler('resources/unsubscribe', ({ params }) => (uris.delete(params.uri), {}));
}

/** What a connection's server sends when something changes; the SDK looks who listens to it. */
const sessionOf = (server) => ({
  changed: (list) => server.notification({ method: `notifications/${list}/list_changed` }),
  updated: async (uri) => {
    if (!server.subscribed || server.subscribed.has(uri)) await server.sendResourceUpdated({ uri });
  },
});

export function serveStdio(legacy) {
  const stdio = load('@modelcontextprotocol/server/stdio');
  const transport = new stdio.StdioServerTransport();
  let receive;
  Object.defineProperty(transport, 'onmessage', {
    get: () => receive && ((message) => {
      member.count(message);
      receive(message);
    }),
    set: (handler) => { receive = handler; },
  });
  stdio.serveStdio((context) => {
    const product = make(context);
    member.sessions.clear();
    member.sessions.add(sessionOf(product.server));
    return product;
  }, { transport, legacy: legacy ? 'serve' : 'reject' });
  process.stdin.on('end', () => process.exit(0));
}

/** Streamable HTTP: a handler of (request, response, parsed body); `legacy` is one of that era. */
export function streamable(legacy) {
  const modern = createMcpHandler(make, { legacy: 'reject' });
  const lists = {
    tools: modern.notify.toolsChanged, prompts: modern.notify.promptsChanged,
    resources: modern.notify.resourcesChanged,
  };
  member.sessions.add({
    changed: async (list) => lists[list](),
    updated: async (uri) => modern.notify.resourceUpdated(uri),
  });
  return async (request, response, body) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const asked = new Request(`http://${request.headers.host}${request.url}`, {
      method: request.method, headers: Object.entries(request.headers), signal: gone.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (legacy && await isLegacyRequest(asked.clone(), body))
      return legacy(request, response, body);
    member.count(body);
    const answer = await modern.fetch(asked, { parsedBody: body });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.flushHeaders();
    if (!answer.body) return response.end();
    await pipeline(Readable.fromWeb(answer.body), response).catch(() => {});
  };
}
