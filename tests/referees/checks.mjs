// SPDX-License-Identifier: Apache-2.0
// What a client must be able to do with member.mjs behind an endpoint: each check takes a connected
// Peer and throws at the first wrong thing.
import assert from 'node:assert/strict';
import { pause, until } from './peer.mjs';

const { deepEqual, equal, match, ok, rejects } = assert;
const unique = (peer, word) => `${peer.name}-${word}-${Math.random().toString(36).slice(2, 8)}`;
const tagged = (list, tag) => list.filter((entry) => entry.data?.tag === tag);

async function identity(peer) {
  match(peer.client.getServerVersion()?.name ?? '', /referee-member/);
  match(peer.client.getInstructions() ?? '', /A member for the tests/);
  const { tools, prompts, resources, completions } = peer.client.getServerCapabilities();
  ok(tools && prompts && resources && completions, 'a capability is missing');
}

async function tools(peer) {
  const list = await peer.list('tools');
  for (const name of ['test_simple_text', 'gw_info', 'gw_slow'])
    ok(list.some((tool) => tool.name === name), `${name} is not in tools/list`);
  equal(new Set(list.map((tool) => tool.name)).size, list.length, 'a tool is listed twice');
  const schema = list.find((tool) => tool.name === 'json_schema_2020_12_tool').inputSchema;
  equal(schema.$defs.address.$anchor, 'addressDef');
  equal(schema.additionalProperties, false);
  deepEqual(schema.then, { required: ['phone'] });
}

async function calls(peer) {
  const value = {
    text: 'quote " backslash \\ newline \n tab \t nul \u0000 line \u2028 é 漢 😀',
    numbers: [0, -1, 1.5, 9007199254740991, 1e300],
    nested: { empty: {}, list: [[], null, true] },
    '': 'empty key',
  };
  const echoed = await peer.json('gw_echo', { tag: 'a', value });
  deepEqual(echoed.value, value);
  equal(await peer.text('test_simple_text'), 'This is a simple text response for testing.');
  const mixed = (await peer.call('test_multiple_content_types')).content;
  deepEqual(mixed.map((content) => content.type), ['text', 'image', 'resource']);
  equal((await peer.call('test_audio_content')).content[0].mimeType, 'audio/wav');
  equal((await peer.text('gw_big', { bytes: 1 << 20 })).length, 1 << 20);
  const large = 'y'.repeat(300_000);
  equal((await peer.json('gw_echo', { value: large })).value, large);
}

async function errors(peer) {
  const failed = await peer.call('test_error_handling');
  equal(failed.isError, true);
  match(failed.content[0].text, /intentionally returns an error/);
  await rejects(peer.call('there_is_no_such_tool'), (error) => error.code === -32602);
  await rejects(peer.read('test://nowhere'), (error) => [-32002, -32602].includes(error.code));
  await rejects(peer.prompt('there_is_no_such_prompt'), (error) => error.code === -32602);
}

async function resources(peer) {
  const list = await peer.list('resources');
  ok(list.some(({ uri }) => uri === 'test://static-text'), 'test://static-text is not listed');
  const templates = await peer.list('resourceTemplates');
  ok(templates.some(({ uriTemplate }) => uriTemplate === 'test://template/{id}/data'));
  const [text] = (await peer.read('test://static-text')).contents;
  equal(text.text, 'This is the content of the static text resource.');
  const [binary] = (await peer.read('test://static-binary')).contents;
  match(binary.blob, /^iVBORw0/);
  const [data] = (await peer.read('test://template/a%20b/data')).contents;
  equal(JSON.parse(data.text).id, 'a%20b');
}

async function prompts(peer) {
  const list = await peer.list('prompts');
  const listed = list.find(({ name }) => name === 'test_prompt_with_arguments');
  deepEqual(listed.arguments.map(({ name }) => name), ['arg1', 'arg2']);
  const { messages } = await peer.prompt('test_prompt_with_arguments', { arg1: 'x', arg2: 'y' });
  equal(messages[0].content.text, "Prompt with arguments: arg1='x', arg2='y'");
  equal((await peer.prompt('test_prompt_with_image')).messages[0].content.type, 'image');
}

async function completion(peer) {
  const prompt = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
  const found = await peer.complete(prompt, { name: 'arg1', value: 'par' });
  deepEqual(found.completion.values, ['paris', 'park', 'party']);
  const after = await peer.complete(prompt, { name: 'arg2', value: 'wo' },
    { arguments: { arg1: 'p' } });
  deepEqual(after.completion.values, ['p-world', 'p-word']);
  const template = { type: 'ref/resource', uri: 'test://template/{id}/data' };
  deepEqual((await peer.complete(template, { name: 'id', value: '12' })).completion.values,
    ['123', '124']);
}

/** Runs gw_slow; returns its answer, having checked that each step was reported once, in order. */
export async function watchedSlow(peer, tag, steps = 10, interval = 20) {
  const seen = [];
  const text = await peer.text('gw_slow', { tag, steps, interval },
    { onprogress: (progress) => seen.push(progress) });
  equal(text, `finished ${tag}`);
  const plain = ({ progress, total, message }) => ({ progress, total, message });
  const due = Array.from({ length: steps }, (_, i) =>
    ({ progress: i + 1, total: steps, message: `${tag}:${i + 1}` }));
  const of = () => peer.received.progress.filter(({ message }) => message?.startsWith(`${tag}:`));
  const came = await until(`${steps} reports of progress for ${tag}`,
    () => of().length >= steps && of());
  deepEqual(came.map(plain), due);
  equal(new Set(came.map(({ progressToken }) => progressToken)).size, 1, 'two tokens of one call');
  ok(seen.length > 0, 'no progress came to the call that it belongs to');
  deepEqual(seen.map(plain), due.slice(0, seen.length));
}

async function progress(peer) {
  const first = unique(peer, 'p');
  await Promise.all([first, `${first}2`, `${first}3`].map((tag) => watchedSlow(peer, tag)));
}

/** Cancels a gw_slow in mid-run and checks that the member's call ended by it. */
export async function cancelledSlow(peer, tag) {
  const cancel = new AbortController();
  let steps = 0;
  const call = peer.text('gw_slow', { tag, steps: 500, interval: 20 },
    { signal: cancel.signal, onprogress: () => { if (++steps === 3) cancel.abort('enough'); } });
  await rejects(call, `a cancelled call was answered: ${tag}`);
  await until(`gw_slow ${tag} ends as cancelled`,
    async () => await peer.text('gw_outcome', { tag }) === 'cancelled');
}

async function cancellation(peer) {
  const other = unique(peer, 'stays');
  await Promise.all([watchedSlow(peer, other, 25), cancelledSlow(peer, unique(peer, 'c'))]);
  equal(await peer.text('gw_outcome', { tag: other }), 'finished');
}

async function logging(peer) {
  await peer.level('warning');
  const quiet = unique(peer, 'quiet');
  await peer.text('gw_log', { tag: quiet, level: 'info' });
  const loud = unique(peer, 'loud');
  await peer.text('gw_log', { tag: loud, level: 'error', count: 3 });
  await until('three log messages', () => tagged(peer.received.logs, loud).length === 3);
  deepEqual(tagged(peer.received.logs, loud).map(({ level, data }) => [level, data.index]),
    [['error', 1], ['error', 2], ['error', 3]]);
  await pause(100);
  equal(tagged(peer.received.logs, quiet).length, 0, 'a message below the level arrived');
  await peer.level('debug');
  await peer.text('gw_log', { tag: quiet, level: 'debug', count: 1 });
  await until('a debug message', () => tagged(peer.received.logs, quiet).length === 1);
}

async function subscriptions(peer) {
  const uri = `gw://watched/${unique(peer, 'r')}`;
  const updates = () => peer.received.updates.filter((update) => update.uri === uri).length;
  await peer.subscribe(uri);
  await peer.text('gw_touch', { uri });
  await until(`an update of ${uri}`, () => updates() === 1);
  match((await peer.read(uri)).contents[0].text, /touched 1 times/);
  const other = `${uri}-other`;
  await peer.text('gw_touch', { uri: other });
  await peer.text('gw_touch', { uri });
  await until(`a second update of ${uri}`, () => updates() === 2);
  await peer.unsubscribe(uri);
  await peer.text('gw_touch', { uri });
  await pause(150);
  equal(updates(), 2, 'an update arrived after the subscription had ended');
  ok(!peer.received.updates.some((update) => update.uri === other), 'an update nobody asked for');
}

async function changes(peer) {
  const added = { tools: ['name', 'gw_added'], prompts: ['name', 'gw_added'],
    resources: ['uri', 'gw://added'] };
  await peer.hearChanges();
  for (const [list, [key, value]] of Object.entries(added)) {
    const has = async () => (await peer.list(list)).some((entry) => entry[key] === value);
    const before = peer.received[list].length;
    const had = await has();
    await peer.text('gw_change', { list });
    await until(`${list}/list_changed`, () => peer.received[list].length > before);
    equal(await has(), !had, `${list}/list is as before the change`);
    await peer.text('gw_change', { list });
    await until(`${list}/list_changed again`, () => peer.received[list].length > before + 1);
    equal(await has(), had);
  }
}

/** One request of the member to this client, which must see its tag and whose answer must count. */
export async function askedFor(peer, kind, tag, more = {}) {
  const text = await peer.text('gw_ask', { kind, tag, ...more });
  match(text, new RegExp(`^${kind} ${tag}: `));
  const expected = { elicitation: `elicited by ${peer.name}`, sampling: `sampled by ${peer.name}`,
    roots: `file:///${peer.name}` }[kind];
  ok(text.includes(expected), `${kind}: ${text} does not hold ${expected}`);
  if (kind === 'roots') return;
  const asked = peer.received.asked
    .filter(({ params }) => JSON.stringify(params ?? {}).includes(tag));
  equal(asked.length, 1, `${kind} for ${tag} came ${asked.length} times`);
}

async function requests(peer) {
  for (const kind of ['elicitation', 'sampling', 'roots']) {
    await askedFor(peer, kind, unique(peer, kind));
    if (!peer.modern) await askedFor(peer, kind, unique(peer, kind), { standalone: true });
  }
  const { elicitation, sampling } = peer.answers;
  peer.answers.elicitation = () => ({ action: 'decline' });
  match(await peer.text('gw_ask', { kind: 'elicitation', tag: 'no' }), /"action":"decline"/);
  peer.answers.elicitation = elicitation;
  peer.answers.sampling = () => { throw new Error('the user has refused'); };
  // In a session the member is told; a client of the stateless era fails its own call.
  await rejects(peer.text('gw_ask', { kind: 'sampling', tag: 'no' }), /the user has refused/);
  peer.answers.sampling = sampling;
  equal(await peer.text('test_sampling', { prompt: 'x' }), `LLM response: sampled by ${peer.name}`);
  const rounds = unique(peer, 'rounds');
  peer.answers.elicitation = ({ message }) => ({
    action: 'accept', content: /name/.test(message) ? { name: rounds } : { color: 'blue' },
  });
  equal(await peer.text('test_input_required_result_multi_round'), `${rounds} likes blue`);
  peer.answers.elicitation = () => ({ action: 'accept', content: { context: rounds } });
  const prompt = await peer.prompt('test_input_required_result_prompt');
  match(prompt.messages[0].content.text, new RegExp(rounds));
  peer.answers.elicitation = elicitation;
}

async function concurrency(peer) {
  await Promise.all(Array.from({ length: 64 }, async (_, i) => {
    const tag = `${peer.name}-${i}`;
    equal((await peer.json('gw_echo', { tag, value: 'z'.repeat(i * 100) })).tag, tag);
  }));
}

async function flood(peer) {
  const tag = unique(peer, 'flood');
  await peer.level('info');
  await peer.text('gw_flood', { tag, count: 300, bytes: 200 });
  await until('300 log messages', () => tagged(peer.received.logs, tag).length === 300);
  deepEqual(tagged(peer.received.logs, tag).map(({ data }) => data.index),
    Array.from({ length: 300 }, (_, i) => i + 1));
}

async function ping(peer) {
  if (!peer.modern) await peer.client.ping();
}

export const checks = { identity, ping, tools, calls, errors, resources, prompts, completion,
  progress, cancellation, logging, subscriptions, changes, requests, concurrency, flood };
