// SPDX-License-Identifier: Apache-2.0
// The session era (revisions up to 2025-11-25), on the official SDK v1.
import { randomUUID } from 'node:crypto';
import { capabilities, handlers, info, instructions } from './handlers.mjs';
import { load } from './sdk.mjs';
import { Failure, member } from './state.mjs';

const { Server } = load('@modelcontextprotocol/sdk/server/index.js');
const types = load('@modelcontextprotocol/sdk/types.js');

const schemas = {
  'tools/list': types.ListToolsRequestSchema,
  'tools/call': types.CallToolRequestSchema,
  'prompts/list': types.ListPromptsRequestSchema,
  'prompts/get': types.GetPromptRequestSchema,
  'resources/list': types.ListResourcesRequestSchema,
  'resources/templates/list': types.ListResourceTemplatesRequestSchema,
  'resources/read': types.ReadResourceRequestSchema,
  'completion/complete': types.CompleteRequestSchema,
};
const levels = types.LoggingLevelSchema.options;
const families = {
  'elicitation/create': 'elicitation', 'sampling/createMessage': 'sampling', 'roots/list': 'roots',
};
let made = 0;

/** One session: a server of its own, its log level and its subscriptions. */
function makeSession() {
  const server = new Server(info, { capabilities, instructions });
  const session = {
    number: ++made, level: 'debug', subscriptions: new Set(),
    changed: (list) => server.notification({ method: `notifications/${list}/list_changed` }),
    updated: async (uri) => {
      if (session.subscriptions.has(uri))
        await server.notification({ method: 'notifications/resources/updated', params: { uri } });
    },
  };
  return { server, session };
}

function makeCall(server, session, extra) {
  const notify = (method, params) => extra.sendNotification({ method, params });
  const token = extra._meta?.progressToken;
  return {
    id: extra.requestId, signal: extra.signal, meta: extra._meta, session: session.number,
    version: extra.requestInfo?.headers['mcp-protocol-version'],
    headers: extra.requestInfo?.headers,
    client: server.getClientVersion()?.name, capabilities: server.getClientCapabilities() ?? {},
    notFound: -32002,
    log: async (level, data) => {
      if (levels.indexOf(level) >= levels.indexOf(session.level))
        await notify('notifications/message', { level, logger: 'referee-member', data });
    },
    progress: async (progress, total, message) => {
      if (token !== undefined)
        await notify('notifications/progress', { progressToken: token, progress, total, message });
    },
    closeStream: () => extra.closeSSEStream?.(),
  };
}

/** Runs a handler until it has all it asks the client for: this era asks by requests of its own. */
async function run(handler, params, call, server, extra) {
  for (let round = 0; round < 8; ++round) {
    const result = await handler(params, call);
    if (result?.resultType !== 'input_required') return result;
    call.responses = {};
    call.state = result.requestState;
    for (const [key, request] of Object.entries(result.inputRequests)) {
      const family = families[request.method];
      if (!call.capabilities[family])
        throw new Failure(-32600, `The client has not declared the capability ${family}`);
      const send = result.standalone ? server.request.bind(server) : extra.sendRequest;
      call.responses[key] = await send(request, types.ResultSchema, { signal: extra.signal });
    }
  }
  throw new Error('this tool asks again and again');
}

function install(server, session) {
  for (const [method, handler] of Object.entries(handlers))
    server.setRequestHandler(schemas[method], (request, extra) =>
      run(handler, request.params ?? {}, makeCall(server, session, extra), server, extra));
  server.setRequestHandler(types.SetLevelRequestSchema, ({ params }) => {
    session.level = params.level;
    return {};
  });
  server.setRequestHandler(types.SubscribeRequestSchema, ({ params }) => {
    session.subscriptions.add(params.uri);
    return {};
  });
  server.setRequestHandler(types.UnsubscribeRequestSchema, ({ params }) => {
    session.subscriptions.delete(params.uri);
    return {};
  });
}

/** Serves one session on this transport until it closes. */
export async function serve(transport, closed = () => {}) {
  const { server, session } = makeSession();
  install(server, session);
  server.oninitialized = () => member.sessions.add(session);
  server.onclose = () => {
    member.sessions.delete(session);
    closed();
  };
  await server.connect(transport);
  const receive = transport.onmessage;
  transport.onmessage = (message, extra) => {
    member.count(message);
    receive(message, extra);
  };
}

export async function serveStdio() {
  const { StdioServerTransport } = load('@modelcontextprotocol/sdk/server/stdio.js');
  await serve(new StdioServerTransport(), () => process.exit(0));
  process.stdin.on('end', () => process.exit(0));
}

/** Keeps what was sent, so that a client can resume a stream (the last 1,000 events a session). */
class Events {
  #events = [];
  #number = 0;
  async storeEvent(stream, message) {
    const id = `${stream}_${++this.#number}`;
    this.#events.push({ id, stream, message });
    if (this.#events.length > 1000) this.#events.shift();
    return id;
  }
  async getStreamIdForEventId(id) {
    return this.#events.find((event) => event.id === id)?.stream;
  }
  async replayEventsAfter(last, { send }) {
    const at = this.#events.findIndex((event) => event.id === last);
    const stream = this.#events[at]?.stream ?? '';
    for (const { id, stream: of, message } of this.#events.slice(at + 1))
      if (of === stream && Object.keys(message).length) await send(id, message);
    return stream;
  }
}

const refuse = (response, status, code, message) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }));
};

/** Streamable HTTP at one path: a handler of (request, response, parsed body). */
export function streamable() {
  const { StreamableHTTPServerTransport } =
    load('@modelcontextprotocol/sdk/server/streamableHttp.js');
  const transports = new Map();
  return async (request, response, body) => {
    const id = request.headers['mcp-session-id'];
    let transport = transports.get(id);
    if (!transport && id !== undefined) return refuse(response, 404, -32001, 'Session not found');
    if (!transport && body?.method !== 'initialize')
      return refuse(response, 400, -32000, 'Bad Request: Server not initialized');
    if (!transport) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID, eventStore: new Events(), retryInterval: 500,
        onsessioninitialized: (session) => transports.set(session, transport),
      });
      await serve(transport, () => transports.delete(transport.sessionId));
    }
    await transport.handleRequest(request, response, body);
  };
}

/** HTTP+SSE: GET /sse opens a session, POST /messages speaks in it. */
export function sse() {
  const { SSEServerTransport } = load('@modelcontextprotocol/sdk/server/sse.js');
  const transports = new Map();
  return async (request, response, body, url) => {
    if (url.pathname === '/sse' && request.method === 'GET') {
      const transport = new SSEServerTransport('/messages', response);
      transports.set(transport.sessionId, transport);
      return serve(transport, () => transports.delete(transport.sessionId));
    }
    const transport = transports.get(url.searchParams.get('sessionId'));
    if (url.pathname !== '/messages' || !transport)
      return refuse(response, 404, -32001, 'Session not found');
    await transport.handlePostMessage(request, response, body);
  };
}
