// SPDX-License-Identifier: Apache-2.0
// What the tests of the gateway need beyond the suites: tools named gw_, which tag what they send,
// count what they see, or misbehave.
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, ask, elicit, object, roots, sample, text } from './suite.mjs';
import { Failure, member } from './state.mjs';

const string = { type: 'string' };
const number = { type: 'number' };
const json = (value) => answer(JSON.stringify(value));

/** A tool: its name, what it does, its arguments (all optional unless required) and its run. */
const tool = (name, description, properties, run, required = []) =>
  ({ name: `gw_${name}`, description, inputSchema: object(properties, required), run });

function onlyStdio() {
  if (member.transport !== 'stdio')
    throw new Failure(-32602, 'only a member that is reached over stdio can do this');
}

function writeAll(bytes) {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

async function slow({ tag = '', steps = 20, interval = 50 }, call) {
  member.cancelled.set(tag, 'running');
  for (let step = 1; step <= steps; ++step) {
    try {
      await sleep(interval, undefined, { signal: call.signal });
    } catch {
      member.cancelled.set(tag, 'cancelled');
      throw new Error(`cancelled: ${tag}`);
    }
    await call.progress(step, steps, `${tag}:${step}`);
  }
  member.cancelled.set(tag, 'finished');
  return answer(`finished ${tag}`);
}

const requests = {
  elicitation: (tag) => elicit(`elicitation for ${tag}`, object({ answer: string })),
  sampling: (tag) => sample(`sampling for ${tag}`),
  roots: () => roots(),
};

function askFor({ kind, tag = '', standalone = false }, call) {
  const response = call.responses?.[kind];
  if (response !== undefined) return answer(`${kind} ${tag}: ${JSON.stringify(response)}`);
  if (!requests[kind])
    throw new Failure(-32602, `kind: elicitation, sampling or roots, not ${kind}`);
  return { ...ask({ [kind]: requests[kind](tag) }), ...(standalone ? { standalone } : {}) };
}

const garbage = {
  prose: 'this is no JSON\n',
  broken: '{"jsonrpc":"2.0","id":1,"result":{\n',
  array: '[{"jsonrpc":"2.0","method":"notifications/message"}]\n',
  number: '42\n',
  empty: '\n\n\n',
  unknown_id: '{"jsonrpc":"2.0","id":987654321,"result":{}}\n',
  string_id: '{"jsonrpc":"2.0","id":"\\u0061bc","result":{}}\n',
  null_id: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"none"}}\n',
  unknown_token: '{"jsonrpc":"2.0","method":"notifications/progress","params":' +
    '{"progressToken":"nobody","progress":1}}\n',
  duplicate: '{"jsonrpc":"2.0","id":1,"id":2,"result":{},"result":{}}\n',
  escaped_key: '{"jsonrpc":"2.0","\\u0069d":1,"result":{}}\n',
  deep: `${'['.repeat(100000)}\n`,
  utf8: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0xc0, 0x22, 0x7d, 0x0a]),
  nul: Buffer.from([0x00, 0x00, 0x0a]),
};

async function crash({ after = 0, code = 1 }, call) {
  await call.progress(1, 2, 'about to crash');
  await call.log('warning', 'about to crash');
  await sleep(after);
  if (member.transport === 'stdio')
    writeAll(Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(call.id)},"result":{"cont`));
  process.exit(code);
}

async function flood({ tag = '', count = 1000, bytes = 0, kind = 'log' }, call) {
  const padding = 'x'.repeat(bytes);
  for (let i = 1; i <= count; ++i) {
    if (kind === 'progress') await call.progress(i, count, `${tag}:${i}${padding}`);
    else await call.log('info', { tag, index: i, padding });
  }
  return answer(`flooded ${tag} ${count}`);
}

function huge({ megabytes = 50, as = 'garbage' }) {
  const bytes = megabytes * 1024 * 1024;
  if (as === 'answer') return answer('x'.repeat(bytes));
  onlyStdio();
  if (as === 'endless') writeAll(Buffer.alloc(bytes, 'x'));
  else if (as === 'garbage') writeAll(Buffer.concat([Buffer.alloc(bytes, 'x'), Buffer.from('\n')]));
  else
    writeAll(Buffer.from(JSON.stringify({
      jsonrpc: '2.0', method: 'notifications/message',
      params: { level: 'info', data: 'x'.repeat(bytes) },
    }) + '\n'));
  return answer(`wrote ${megabytes} MB as ${as}`);
}

export const tools = [
  tool('info', 'Who this member is and what it has received', {}, (args, call) => json({
    pid: process.pid, era: member.era, transport: member.transport, counts: member.counts,
    sessions: member.sessions.size, session: call.session, version: call.version,
    client: call.client, capabilities: call.capabilities, headers: call.headers,
    environment: Object.keys(process.env).sort(),
  })),
  tool('echo', 'Answers with its arguments and the request\'s _meta', { tag: string, value: {} },
    (args, call) => json({ ...args, pid: process.pid, meta: call.meta ?? {} })),
  tool('slow', 'Reports progress in steps; stops when cancelled',
    { tag: string, steps: number, interval: number }, slow),
  tool('outcome', 'How the gw_slow of this tag ended: running, cancelled, finished or unknown',
    { tag: string }, ({ tag }) => answer(member.cancelled.get(tag) ?? 'unknown'), ['tag']),
  tool('log', 'Sends log messages with a tag',
    { tag: string, count: number, interval: number, level: string },
    async ({ tag = '', count = 3, interval = 0, level = 'info' }, call) => {
      for (let index = 1; index <= count; ++index) {
        if (interval) await sleep(interval);
        await call.log(level, { tag, index });
      }
      return answer(`logged ${tag} ${count}`);
    }),
  tool('ask', 'Asks the client for elicitation, sampling or roots',
    { kind: string, tag: string, standalone: { type: 'boolean' } }, askFor, ['kind']),
  tool('touch', 'Says that a resource has changed', { uri: string }, async ({ uri }) => {
    await member.touch(uri);
    return answer(`touched ${uri}`);
  }, ['uri']),
  tool('change', 'Changes the list of tools, prompts or resources', { list: string },
    async ({ list }) => {
      if (!(list in member.added))
        throw new Failure(-32602, `list: tools, prompts or resources, not ${list}`);
      await member.change(list);
      return answer(`changed ${list}`);
    }, ['list']),
  tool('header', 'Has an argument that is mirrored in an HTTP header',
    { region: { type: 'string', 'x-mcp-header': 'Region' } },
    ({ region }) => answer(`region ${region}`)),
  tool('big', 'Answers with a text of so many bytes', { bytes: number },
    ({ bytes = 1024 }) => answer('x'.repeat(bytes))),
  tool('hang', 'Never answers', {}, () => new Promise(() => {})),
  tool('crash', 'Exits in the middle of its answer', { after: number, code: number }, crash),
  tool('exit', 'Answers, then exits', { code: number }, ({ code = 0 }) => {
    setTimeout(() => process.exit(code), 50);
    return answer('exiting');
  }),
  tool('flood', 'Sends many notifications, then answers',
    { tag: string, count: number, bytes: number, kind: string }, flood),
  tool('garbage', 'Writes something odd to its output, then answers (stdio)', { kind: string },
    ({ kind = 'prose' }) => {
      onlyStdio();
      if (!(kind in garbage))
        throw new Failure(-32602, `kind: one of ${Object.keys(garbage).join(', ')}`);
      writeAll(Buffer.from(garbage[kind]));
      return answer(`wrote ${kind}`);
    }),
  tool('huge', 'A line of so many megabytes as answer, garbage, notification or endless',
    { megabytes: number, as: string }, huge),
];

const added = {
  tools: { ...tool('added', 'Comes and goes', {}, () => answer('here for now')) },
  prompts: {
    name: 'gw_added', description: 'Comes and goes',
    run: () => ({ messages: [{ role: 'user', content: text('here for now') }] }),
  },
  resources: {
    uri: 'gw://added', name: 'added', description: 'Comes and goes', mimeType: 'text/plain',
    read: () => ({ text: 'here for now' }),
  },
};

/** The fixtures of this list that gw_change has switched on. */
export const changed = (list) => (member.added[list] ? [added[list]] : []);

export const templates = [
  {
    uriTemplate: 'gw://watched/{tag}', name: 'watched', description: 'A text for each tag',
    mimeType: 'text/plain', pattern: /^gw:\/\/watched\/([^/]+)$/,
    read: ([uri, tag]) => ({ text: `${tag}: touched ${member.touched.get(uri) ?? 0} times` }),
  },
];
