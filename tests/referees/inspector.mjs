// SPDX-License-Identifier: Apache-2.0
// The MCP Inspector's CLI against member.mjs behind an endpoint: what it lists, reads and calls.
// usage: inspector.mjs [--transport http|sse|stdio] [--era legacy|modern|auto]
//          (--url URL | -- COMMAND ...)
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { folder } from './member/sdk.mjs';

const { values: options, positionals: command } = parseArgs({
  allowPositionals: true,
  options: {
    transport: { type: 'string' }, url: { type: 'string' },
    era: { type: 'string', default: 'legacy' },
  },
});
if (!options.url === !command.length) {
  console.error('usage: inspector.mjs [--transport http|sse|stdio] [--era legacy|modern|auto] ' +
    '(--url URL | -- COMMAND ...)');
  process.exit(2);
}
const transport = options.transport ?? (options.url ? 'http' : 'stdio');
const program = join(folder, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build',
  'index.js');
// A home of its own: the Inspector keeps a catalogue and a store of secrets there.
const home = mkdtempSync(join(tmpdir(), 'thv-inspector-'));
const env = { ...process.env, HOME: home, MCP_INSPECTOR_SECRET_STORE: 'memory' };

async function inspect(method, ...more) {
  const target = options.url ? ['--server-url', options.url] : [];
  const after = options.url ? [] : ['--', ...command];
  const { stdout } = await promisify(execFile)(process.execPath,
    [program, '--cli', ...target, '--transport', transport, '--protocol-era', options.era,
      '--quiet', '--method', method, ...more, ...after],
    { env, timeout: 60_000, maxBuffer: 1 << 26 });
  return JSON.parse(stdout);
}

const runs = {
  async 'tools/list'(method) {
    const { tools } = await inspect(method);
    assert.ok(tools.some(({ name }) => name === 'gw_echo'));
    const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool').inputSchema;
    assert.equal(schema.additionalProperties, false);
  },
  async 'tools/call'(method) {
    const args = JSON.stringify({ tag: 'ünï "quoted"', value: { a: [1, null] } });
    const { content } = await inspect(method, '--tool-name', 'gw_echo', '--tool-args-json', args);
    const { tag, value } = JSON.parse(content[0].text);
    assert.deepEqual({ tag, value }, JSON.parse(args));
  },
  async 'resources/list'(method) {
    const { resources } = await inspect(method);
    assert.ok(resources.some(({ uri }) => uri === 'test://static-text'));
  },
  async 'resources/templates/list'(method) {
    const { resourceTemplates } = await inspect(method);
    assert.ok(resourceTemplates.some(({ uriTemplate }) => uriTemplate === 'gw://watched/{tag}'));
  },
  async 'resources/read'(method) {
    const { contents } = await inspect(method, '--uri', 'test://static-text');
    assert.equal(contents[0].text, 'This is the content of the static text resource.');
  },
  async 'prompts/list'(method) {
    const { prompts } = await inspect(method);
    assert.ok(prompts.some(({ name }) => name === 'test_simple_prompt'));
  },
  async 'prompts/get'(method) {
    const { messages } = await inspect(method, '--prompt-name', 'test_prompt_with_arguments',
      '--prompt-args', 'arg1=x', 'arg2=y');
    assert.equal(messages[0].content.text, "Prompt with arguments: arg1='x', arg2='y'");
  },
};

let failed = false;
for (const [method, run] of Object.entries(runs)) {
  try {
    await run(method);
    console.log(`ok ${method}`);
  } catch (error) {
    console.error(`FAIL ${method}: ${error.message}\n${error.stderr ?? ''}`);
    failed = true;
    break;
  }
}
rmSync(home, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
