// SPDX-License-Identifier: Apache-2.0
// The extension io.modelcontextprotocol/tasks with its fixtures: a tool with `task` answers a
// client that has declared the extension with a task, which is looked at, fed and cancelled by id.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, ask, elicit, object } from './suite.mjs';
import { Failure } from './state.mjs';

export const extension = 'io.modelcontextprotocol/tasks';
const string = { type: 'string' };
const confirm = (message) => elicit(message, object({ confirm: { type: 'boolean' } }));
const missing = () => new Failure(-32021, `This needs the extension ${extension}`,
  { requiredCapabilities: { extensions: { [extension]: {} } } });

export const tools = [
  {
    name: 'greet', description: 'Greets at once', inputSchema: object({ name: string }),
    run: ({ name }) => answer(`Hello, ${name}!`),
  },
  {
    name: 'slow_compute', description: 'Computes for so many seconds', task: 'optional',
    inputSchema: object({ seconds: { type: 'number' }, label: string }, []),
    run: async ({ seconds = 1, label = '' }, call) => {
      await sleep(seconds * 1000, undefined, { signal: call.signal });
      return answer(`Computed ${label} for ${seconds} s`);
    },
  },
  {
    name: 'failing_job', description: 'Fails after a while', task: 'required',
    inputSchema: object(),
    run: async () => {
      await sleep(1000);
      throw new Error('This job fails');
    },
  },
  {
    name: 'protocol_error_job', description: 'Ends in a protocol error', task: 'optional',
    inputSchema: object(),
    run: () => { throw new Failure(-32603, 'This job breaks'); },
  },
  {
    name: 'confirm_delete', description: 'Asks before it deletes nothing', task: 'optional',
    inputSchema: object({ filename: string }),
    run: ({ filename }, call) => call.responses?.confirm
      ? answer(`${filename}: ${call.responses.confirm.action}`)
      : ask({ confirm: confirm(`Delete ${filename}?`) }),
  },
  {
    name: 'multi_input', description: 'Asks two things at once', task: 'optional',
    inputSchema: object(),
    run: (args, { responses }) => responses?.first && responses.second
      ? answer('Both are answered') : ask({ first: confirm('First?'), second: confirm('Second?') }),
  },
  {
    name: 'test_tool_with_task', description: 'Asks first, then becomes a task', task: 'required',
    inputSchema: object(),
    first: (call) => call.responses?.user_name ? undefined
      : ask({ user_name: elicit('What is your name?', object({ name: string })) }),
    run: (args, call) => answer(`Hello, ${call.responses?.user_name?.content?.name}!`),
  },
];

const tasks = new Map();

class Task {
  id = randomUUID();
  status = 'working';
  createdAt = new Date().toISOString();
  lastUpdatedAt = this.createdAt;
  pending = {};
  responses = {};
  stop = new AbortController();

  constructor(tool, args, responses = {}) {
    this.step = () => tool.run(args, { responses: this.responses, signal: this.stop.signal });
    this.responses = { ...responses };
    tasks.set(this.id, this);
    this.run();
  }
  become(status, more = {}) {
    if (['completed', 'failed', 'cancelled'].includes(this.status)) return;
    Object.assign(this, { status, lastUpdatedAt: new Date().toISOString(), ...more });
  }
  async run() {
    try {
      const result = await this.step();
      if (result.resultType === 'input_required')
        this.become('input_required', { pending: { ...result.inputRequests } });
      else this.become('completed', { result });
    } catch (error) {
      if (error instanceof Failure)
        this.become('failed', { error: { code: error.code, message: error.message } });
      else this.become('completed', { result: { ...answer(error.message), isError: true } });
    }
  }
  update(responses) {
    if (this.status !== 'input_required') return;
    for (const [key, response] of Object.entries(responses))
      if (this.pending[key]) {
        this.responses[key] = response;
        delete this.pending[key];
      }
    if (Object.keys(this.pending).length) return;
    this.become('working');
    this.run();
  }
  cancel() {
    this.become('cancelled');
    this.stop.abort();
  }
  shown() {
    return {
      taskId: this.id, status: this.status, createdAt: this.createdAt,
      lastUpdatedAt: this.lastUpdatedAt, ttlMs: 600_000, pollIntervalMs: 100,
    };
  }
  detailed() {
    const { status, result, error, pending } = this;
    return {
      ...this.shown(), ...(status === 'completed' ? { result } : {}),
      ...(status === 'failed' ? { error } : {}),
      ...(status === 'input_required' ? { inputRequests: { ...pending } } : {}),
    };
  }
}

const declared = (call) => call.capabilities.extensions?.[extension] !== undefined;

/** The task that this call becomes, or what it asks before that; undefined: it runs at once. */
export function begin(tool, args, call) {
  if (!tool.task || !call.tasks) return undefined;
  if (!declared(call)) {
    if (tool.task === 'required') throw missing();
    return undefined;
  }
  return tool.first?.(call) ??
    { resultType: 'task', ...new Task(tool, args, call.responses).shown() };
}

function found(params, call) {
  if (!declared(call)) throw missing();
  const task = tasks.get(params?.taskId);
  if (!task) throw new Failure(-32602, `There is no task ${params?.taskId}`);
  return task;
}

export const handlers = {
  'tasks/get': (params, call) => found(params, call).detailed(),
  'tasks/update': (params, call) => {
    found(params, call).update(params.inputResponses ?? call.responses ?? {});
    return {};
  },
  'tasks/cancel': (params, call) => {
    found(params, call).cancel();
    return {};
  },
};
