// SPDX-License-Identifier: Apache-2.0
// The fixtures that the conformance suites ask for, for both eras. A tool that needs something of
// the client returns `ask(...)`; the era decides how it travels (a request of ours, or a result of
// type input_required) and runs the tool again with `call.responses`.
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, member, seal, unseal } from './state.mjs';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJ' +
  'RU5ErkJggg==';
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==';

export const text = (value) => ({ type: 'text', text: value });
export const image = () => ({ type: 'image', data: PNG, mimeType: 'image/png' });
export const answer = (...content) =>
  ({ content: content.map((item) => (typeof item === 'string' ? text(item) : item)) });
export const object = (properties = {}, required = Object.keys(properties)) =>
  ({ type: 'object', properties, ...(required.length ? { required } : {}) });

/** What a tool returns that wants input of the client. */
export const ask = (requests, state) => ({
  resultType: 'input_required',
  inputRequests: requests,
  ...(state === undefined ? {} : { requestState: state }),
});
export const elicit = (message, requestedSchema) =>
  ({ method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } });
export const sample = (prompt, maxTokens = 100) => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: text(prompt) }], maxTokens },
});
export const roots = () => ({ method: 'roots/list', params: {} });

const accepted = (call, key, field, type = 'string') => {
  const response = call.responses?.[key];
  const value = response?.action === 'accept' ? response.content?.[field] : undefined;
  return typeof value === type ? value : undefined;
};
const string = { type: 'string' };
const nameSchema = object({ name: string });
const okSchema = object({ ok: { type: 'boolean' } });

/** Asks once under `key`; answers with what `done` makes of the response. */
const once = (key, request, done) => (args, call) => {
  const response = call.responses?.[key];
  return response === undefined ? ask({ [key]: request(args) }) : answer(done(response));
};
const outcome = (response) =>
  `action=${response.action}, content=${JSON.stringify(response.content ?? {})}`;

const defaults = object({
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
}, []);
const titled = (...names) => names.map((title, i) => ({ const: `value${i + 1}`, title }));
const options = ['option1', 'option2', 'option3'];
const enums = object({
  untitledSingle: { type: 'string', enum: options },
  titledSingle: { type: 'string', oneOf: titled('First Option', 'Second Option', 'Third Option') },
  legacyEnum: {
    type: 'string', enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
  titledMulti: {
    type: 'array',
    items: { anyOf: titled('First Choice', 'Second Choice', 'Third Choice') },
  },
}, []);

const contents = {
  test_simple_text: () => answer('This is a simple text response for testing.'),
  test_image_content: () => answer(image()),
  test_audio_content: () => answer({ type: 'audio', data: WAV, mimeType: 'audio/wav' }),
  test_embedded_resource: () => answer({
    type: 'resource',
    resource: {
      uri: 'test://embedded-resource', mimeType: 'text/plain',
      text: 'This is an embedded resource content.',
    },
  }),
  test_multiple_content_types: () => answer('Multiple content types test:', image(), {
    type: 'resource',
    resource: {
      uri: 'test://mixed-content-resource', mimeType: 'application/json',
      text: '{"test":"data","value":123}',
    },
  }),
  test_error_handling: () => {
    throw new Error('This tool intentionally returns an error for testing');
  },
};

const streams = {
  test_tool_with_logging: async (args, call) => {
    await call.log('info', 'Tool execution started');
    await sleep(50);
    await call.log('info', 'Tool processing data');
    await sleep(50);
    await call.log('info', 'Tool execution completed');
    return answer('Tool with logging executed');
  },
  test_logging_tool: async (args, call) => {
    await call.log('info', 'One message, if the request asks for it');
    return answer('Logged');
  },
  test_tool_with_progress: async (args, call) => {
    for (const progress of [0, 50, 100]) {
      if (progress) await sleep(50);
      await call.progress(progress, 100, `Completed ${progress} of 100`);
    }
    return answer('Tool with progress executed');
  },
  test_reconnection: async (args, call) => {
    call.closeStream();
    await sleep(100);
    return answer('Answered after the stream was closed');
  },
  test_trigger_tool_change: async () => {
    await member.change('tools');
    return answer('The list of tools has changed');
  },
  test_trigger_prompt_change: async () => {
    await member.change('prompts');
    return answer('The list of prompts has changed');
  },
};

const inputs = {
  test_elicitation_sep1034_defaults: once('values',
    () => elicit('Please review these values', defaults),
    (response) => `Elicitation completed: ${outcome(response)}`),
  test_elicitation_sep1330_enums: once('choice', () => elicit('Please choose', enums),
    (response) => `Elicitation completed: ${outcome(response)}`),
  test_streaming_elicitation: once('confirm', () => elicit('Go on?', okSchema), outcome),
  test_missing_capability: (args, call) => {
    if (!call.capabilities.sampling)
      throw new Failure(-32021, 'This tool needs the capability sampling',
        { requiredCapabilities: { sampling: {} } });
    return once('thought', () => sample('Think of a number'), (r) => r.content.text)(args, call);
  },
  test_input_required_result_elicitation: (args, call) => {
    const name = accepted(call, 'user_name', 'name');
    return name === undefined
      ? ask({ user_name: elicit('What is your name?', nameSchema) }) : answer(`Hello, ${name}!`);
  },
  test_input_required_result_sampling: once('capital_question',
    () => sample('What is the capital of France?'), (response) => response.content.text),
  test_input_required_result_list_roots: once('client_roots', roots,
    (response) => `Roots: ${response.roots.map((root) => root.uri).join(', ')}`),
  test_input_required_result_request_state: (args, call) =>
    confirmed(call, (state) => state === 'confirm' && 'state-ok'),
  test_input_required_result_tampered_state: (args, call) =>
    confirmed(call, (state) => state === 'confirm' && 'state-ok'),
  test_input_required_result_multiple_inputs: (args, call) => {
    const responses = call.responses ?? {};
    const name = accepted(call, 'user_name', 'name');
    if (unseal(call.state) === 'many' && name !== undefined && responses.greeting &&
        responses.client_roots)
      return answer(`${responses.greeting.content.text}, ${name}: ` +
        `${responses.client_roots.roots.length} roots`);
    return ask({
      user_name: elicit('What is your name?', nameSchema),
      greeting: sample('Generate a greeting', 50),
      client_roots: roots(),
    }, seal('many'));
  },
  test_input_required_result_multi_round: (args, call) => {
    const state = unseal(call.state) ?? { step: 1 };
    const name = accepted(call, 'step1', 'name');
    const color = accepted(call, 'step2', 'color');
    if (state.step === 2 && color !== undefined) return answer(`${state.name} likes ${color}`);
    if (state.step === 2 || name !== undefined)
      return ask({
        step2: elicit('Step 2: What is your favorite color?', object({ color: string })),
      }, seal({ step: 2, name: state.name ?? name }));
    return ask({ step1: elicit('Step 1: What is your name?', nameSchema) }, seal({ step: 1 }));
  },
  test_input_required_result_capabilities: (args, call) => {
    if (call.responses) return answer('Thank you');
    const requests = {};
    if (call.capabilities.elicitation) requests.name = elicit('Your name?', nameSchema);
    if (call.capabilities.sampling) requests.thought = sample('Think of a number');
    if (call.capabilities.roots) requests.places = roots();
    return Object.keys(requests).length ? ask(requests) : answer('You can do nothing for me');
  },
};

function confirmed(call, check) {
  if (call.responses === undefined)
    return ask({ confirm: elicit('Please confirm', okSchema) }, seal('confirm'));
  const word = check(unseal(call.state));
  if (!word) throw new Failure(-32602, 'requestState is missing');
  return answer(`Confirmed: ${word}`);
}

const schema2020 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef', type: 'object', properties: { street: string, city: string },
    },
  },
  properties: {
    name: string,
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: string,
    email: string,
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

const plain = (runs) => Object.entries(runs).map(([name, run]) =>
  ({ name, description: `Fixture ${name}`, inputSchema: object(), run }));

export const tools = [
  ...plain(contents), ...plain(streams), ...plain(inputs),
  {
    name: 'test_sampling', description: 'Asks the model of the client',
    inputSchema: object({ prompt: string }),
    run: once('answer', (args) => sample(args.prompt),
      (response) => `LLM response: ${response.content.text}`),
  },
  {
    name: 'test_elicitation', description: 'Asks the user of the client',
    inputSchema: object({ message: string }),
    run: once('user', (args) => elicit(args.message, object({
      username: { type: 'string', description: "User's response" },
      email: { type: 'string', description: "User's email address" },
    })), (response) => `User response: ${outcome(response)}`),
  },
  {
    name: 'json_schema_2020_12_tool', description: 'Has a schema with many keywords',
    inputSchema: schema2020, run: () => answer('Accepted'),
  },
];

const promptOf = (...contents) =>
  ({ messages: contents.map((content) => ({ role: 'user', content })) });
const argument = (name, description) => ({ name, description, required: true });

export const prompts = [
  {
    name: 'test_simple_prompt', description: 'A prompt without arguments',
    run: () => promptOf(text('This is a simple prompt for testing.')),
  },
  {
    name: 'test_prompt_with_arguments', description: 'A prompt with two arguments',
    arguments: [argument('arg1', 'First test argument'), argument('arg2', 'Second test argument')],
    run: ({ arg1, arg2 }) =>
      promptOf(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  },
  {
    name: 'test_prompt_with_embedded_resource', description: 'A prompt with a resource',
    arguments: [argument('resourceUri', 'URI of the resource to embed')],
    run: (args) => promptOf({
      type: 'resource',
      resource: {
        uri: args.resourceUri, mimeType: 'text/plain',
        text: 'Embedded resource content for testing.',
      },
    }, text('Please process the embedded resource above.')),
  },
  {
    name: 'test_prompt_with_image', description: 'A prompt with an image',
    run: () => promptOf(image(), text('Please analyze the image above.')),
  },
  {
    name: 'test_input_required_result_prompt', description: 'A prompt that asks the user first',
    run: (args, call) => {
      const context = accepted(call, 'user_context', 'context');
      return context === undefined
        ? ask({
          user_context: elicit('What context should the prompt use?', object({ context: string })),
        })
        : promptOf(text(`Use this context: ${context}`));
    },
  },
];

export const resources = [
  {
    uri: 'test://static-text', name: 'static-text', description: 'A text that never changes',
    mimeType: 'text/plain',
    read: () => ({ text: 'This is the content of the static text resource.' }),
  },
  {
    uri: 'test://static-binary', name: 'static-binary', description: 'An image that never changes',
    mimeType: 'image/png', read: () => ({ blob: PNG }),
  },
  {
    uri: 'test://watched-resource', name: 'watched-resource', description: 'A text to subscribe to',
    mimeType: 'text/plain',
    read: () => ({ text: `Touched ${member.touched.get('test://watched-resource') ?? 0} times` }),
  },
];

export const templates = [
  {
    uriTemplate: 'test://template/{id}/data', name: 'template', description: 'Data by its id',
    mimeType: 'application/json', pattern: /^test:\/\/template\/([^/]+)\/data$/,
    read: ([, id]) =>
      ({ text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }),
  },
];
