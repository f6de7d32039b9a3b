// SPDX-License-Identifier: Apache-2.0
// The methods of the member, the same for both eras: each takes the request's parameters and, where
// something runs, the call that its era has made.
import * as extra from './extra.mjs';
import * as suite from './suite.mjs';
import { Failure } from './state.mjs';
import * as tasks from './tasks.mjs';

const all = (list) =>
  [...suite[list], ...(extra[list] ?? []), ...(tasks[list] ?? []), ...extra.changed(list)];
const shown = ({ run, read, pattern, task, first, ...rest }) => rest;

export const info = { name: 'referee-member', version: '1.0.0' };
export const instructions = 'A member for the tests of the gateway.';
export const toolNamed = (name) => all('tools').find((tool) => tool.name === name);

const words = { arg1: ['paris', 'park', 'party'], arg2: ['world', 'word'], id: ['123', '124'] };

async function callTool({ name, arguments: args = {} }, call) {
  const tool = toolNamed(name);
  if (!tool) throw new Failure(-32602, `There is no tool ${name}`);
  for (const required of tool.inputSchema.required ?? [])
    if (args[required] === undefined)
      throw new Failure(-32602, `The tool ${name} needs the argument ${required}`);
  const task = tasks.begin(tool, args, call);
  if (task) return task;
  try {
    return await tool.run(args, call);
  } catch (error) {
    if (error instanceof Failure) throw error;
    return { ...suite.answer(error.message), isError: true };
  }
}

async function getPrompt({ name, arguments: args = {} }, call) {
  const prompt = all('prompts').find((one) => one.name === name);
  if (!prompt) throw new Failure(-32602, `There is no prompt ${name}`);
  for (const { name: wanted, required } of prompt.arguments ?? [])
    if (required && args[wanted] === undefined)
      throw new Failure(-32602, `The prompt ${name} needs the argument ${wanted}`);
  return prompt.run(args, call);
}

function readResource({ uri }, call) {
  const contents = (found, ...match) =>
    ({ contents: [{ uri, mimeType: found.mimeType, ...found.read(...match) }] });
  const direct = all('resources').find((resource) => resource.uri === uri);
  if (direct) return contents(direct);
  for (const template of all('templates')) {
    const match = template.pattern.exec(uri);
    if (match) return contents(template, match);
  }
  throw new Failure(call.notFound, 'Resource not found', { uri });
}

function complete({ argument, context }) {
  const values = (words[argument.name] ?? []).filter((word) => word.startsWith(argument.value));
  const chosen = context?.arguments?.arg1;
  return {
    completion: {
      values: chosen && argument.name === 'arg2' ? values.map((v) => `${chosen}-${v}`) : values,
      total: values.length, hasMore: false,
    },
  };
}

export const handlers = {
  'tools/list': () => ({ tools: all('tools').map(shown) }),
  'tools/call': callTool,
  'prompts/list': () => ({ prompts: all('prompts').map(shown) }),
  'prompts/get': getPrompt,
  'resources/list': () => ({ resources: all('resources').map(shown) }),
  'resources/templates/list': () => ({ resourceTemplates: all('templates').map(shown) }),
  'resources/read': readResource,
  'completion/complete': complete,
};

export const capabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};
