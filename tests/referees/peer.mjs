// SPDX-License-Identifier: Apache-2.0
// A client of either official SDK behind one face, which keeps everything that it receives.
import { load } from './member/sdk.mjs';

/** v1 and v2-legacy open sessions; v2 speaks revision 2026-07-28 only; v2-auto finds out. */
export const kinds = ['v1', 'v2', 'v2-auto', 'v2-legacy'];
const logLevel = 'io.modelcontextprotocol/logLevel';
const capabilities = { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } };

const sdks = {
  v1: () => ({
    ...load('@modelcontextprotocol/sdk/client/index.js'),
    ...load('@modelcontextprotocol/sdk/client/stdio.js'),
    ...load('@modelcontextprotocol/sdk/client/sse.js'),
    ...load('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    ...load('@modelcontextprotocol/sdk/types.js'),
  }),
  v2: () => ({
    ...load('@modelcontextprotocol/client'), ...load('@modelcontextprotocol/client/stdio'),
  }),
};

const asked = {
  elicitation: ['elicitation/create', 'ElicitRequestSchema'],
  sampling: ['sampling/createMessage', 'CreateMessageRequestSchema'],
  roots: ['roots/list', 'ListRootsRequestSchema'],
};
const notified = {
  logs: ['notifications/message', 'LoggingMessageNotificationSchema'],
  updates: ['notifications/resources/updated', 'ResourceUpdatedNotificationSchema'],
  tools: ['notifications/tools/list_changed', 'ToolListChangedNotificationSchema'],
  prompts: ['notifications/prompts/list_changed', 'PromptListChangedNotificationSchema'],
  resources: ['notifications/resources/list_changed', 'ResourceListChangedNotificationSchema'],
};

export class Peer {
  /** What came, in order: parameters of notifications, and of the member's requests. */
  received =
    { logs: [], updates: [], tools: [], prompts: [], resources: [], asked: [], progress: [] };
  errors = [];
  #listening = new Map();
  #level;

  /** `where`: { transport: 'http'|'sse'|'stdio', url, command, args, headers }. */
  constructor(kind, name, where) {
    if (!kinds.includes(kind)) throw new Error(`a client is ${kinds.join(', ')}, not ${kind}`);
    this.kind = kind;
    this.name = name;
    this.where = where;
    this.sdk = sdks[kind === 'v1' ? 'v1' : 'v2']();
    const mode = { v2: { pin: '2026-07-28' }, 'v2-auto': 'auto' }[kind];
    this.client = new this.sdk.Client({ name, version: '1.0.0' },
      { capabilities, ...(mode ? { versionNegotiation: { mode } } : {}) });
    this.client.onerror = (error) => this.errors.push(error);
    /** Answers to what the member asks; a test may replace them. */
    this.answers = {
      elicitation: () => ({ action: 'accept', content: { answer: `elicited by ${name}` } }),
      sampling: () => ({
        role: 'assistant', model: 'none', content: { type: 'text', text: `sampled by ${name}` },
      }),
      roots: () => ({ roots: [{ uri: `file:///${name}`, name }] }),
    };
    for (const [kindOf, [method, schema]] of Object.entries(asked))
      this.client.setRequestHandler(this.#key(method, schema), async (request, extra) => {
        this.received.asked.push({ kind: kindOf, params: request.params });
        return this.answers[kindOf](request.params, extra);
      });
    for (const [list, [method, schema]] of Object.entries(notified))
      this.client.setNotificationHandler(this.#key(method, schema),
        (notification) => { this.received[list].push(notification.params ?? {}); });
  }

  #key(method, schema) {
    return this.kind === 'v1' ? this.sdk[schema] : method;
  }

  #transport() {
    const { transport, url, command, args, headers } = this.where;
    if (transport === 'stdio')
      return new this.sdk.StdioClientTransport(
        { command, args, env: process.env, stderr: 'inherit' });
    const options = headers ? { requestInit: { headers } } : {};
    return transport === 'sse' ? new this.sdk.SSEClientTransport(new URL(url), options)
      : new this.sdk.StreamableHTTPClientTransport(new URL(url), options);
  }

  async connect() {
    this.transport = this.#transport();
    await this.client.connect(this.transport);
    this.modern = this.client.getProtocolEra?.() === 'modern';
    // Progress as it arrives: the SDKs lose what they read together with the answer.
    const receive = this.transport.onmessage;
    this.transport.onmessage = (message, extra) => {
      if (message.method === 'notifications/progress') this.received.progress.push(message.params);
      receive(message, extra);
    };
    return this;
  }

  /** options: onprogress, signal, timeout; logs arrive in this.received.logs. */
  async call(name, args = {}, options = {}) {
    const params = { name, arguments: args };
    if (this.modern && this.#level) params._meta = { [logLevel]: this.#level };
    return this.kind === 'v1' ? this.client.callTool(params, undefined, options)
      : this.client.callTool(params, options);
  }
  /** The text of a tool's answer; one that says isError throws. */
  async text(name, args, options) {
    const result = await this.call(name, args, options);
    if (result.isError) throw new Error(`${name}: ${result.content?.[0]?.text}`);
    return result.content[0].text;
  }
  async json(name, args, options) {
    return JSON.parse(await this.text(name, args, options));
  }

  async list(what) {
    const verb = { tools: 'listTools', prompts: 'listPrompts', resources: 'listResources',
      resourceTemplates: 'listResourceTemplates' }[what];
    const result = await this.client[verb]({}, this.kind === 'v1' ? {} : { cacheMode: 'refresh' });
    return result[what];
  }
  read(uri) {
    return this.client.readResource({ uri }, this.kind === 'v1' ? {} : { cacheMode: 'refresh' });
  }
  prompt(name, args) {
    return this.client.getPrompt({ name, ...(args ? { arguments: args } : {}) });
  }
  complete(ref, argument, context) {
    return this.client.complete({ ref, argument, ...(context ? { context } : {}) });
  }

  /** From which level on this client wants log messages: of the session, or of each request. */
  async level(level) {
    this.#level = level;
    if (!this.modern) await this.client.setLoggingLevel(level);
  }
  async #listen(key, filter) {
    this.#listening.set(key, await this.client.listen(filter));
  }
  async subscribe(uri) {
    if (this.modern) await this.#listen(uri, { resourceSubscriptions: [uri] });
    else await this.client.subscribeResource({ uri });
  }
  async unsubscribe(uri) {
    if (!this.modern) return this.client.unsubscribeResource({ uri });
    await this.#listening.get(uri)?.close();
    this.#listening.delete(uri);
  }
  /** Hears of changed lists from now on; a session always does. */
  async hearChanges() {
    if (this.modern)
      await this.#listen('lists',
        { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true });
  }

  async close() {
    for (const subscription of this.#listening.values()) await subscription.close();
    this.#listening.clear();
    await this.client.close();
  }
}

/** Waits until this is true; says what it waited for otherwise. */
export async function until(what, condition, milliseconds = 5000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${milliseconds} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
