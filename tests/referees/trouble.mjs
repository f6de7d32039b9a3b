// SPDX-License-Identifier: Apache-2.0
// One member misbehaves, the other must not notice: its client goes on calling, and no call may be
// wrong or take longer than the limit. The bad one's own clients must get an answer or an error
// soon, and it must serve again after a while.
// usage: trouble.mjs URL_OF_THE_BAD URL_OF_THE_GOOD [--client KIND] [--member stdio|http]
//          [--limit MS] [--only NAME,...]
// --member says how the bad one is attached: over stdio it can also write what is no message.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { Peer, pause, until } from './peer.mjs';

const { values: options, positionals: [badUrl, goodUrl] } = parseArgs({
  allowPositionals: true,
  options: {
    client: { type: 'string', default: 'v1' },
    member: { type: 'string', default: 'stdio' },
    limit: { type: 'string', default: '1000' },
    only: { type: 'string' },
  },
});
if (!badUrl || !goodUrl) {
  console.error('usage: trouble.mjs URL_OF_THE_BAD URL_OF_THE_GOOD [--client KIND] ' +
    '[--member stdio|http] [--limit MS] [--only NAME,...]');
  process.exit(2);
}

const connect = (name, url) => new Peer(options.client, name,
  { transport: url.endsWith('/sse') ? 'sse' : 'http', url }).connect();

/** The outcome of a call within this time; silence is what no client may meet. */
async function settled(what, call, milliseconds) {
  const late = new Promise((resolve) => setTimeout(resolve, milliseconds, 'late'));
  const done = call.then((text) => ({ text }), (error) => ({ error }));
  const outcome = await Promise.race([done, late]);
  assert.notEqual(outcome, 'late', `${what}: neither answer nor error within ${milliseconds} ms`);
  return outcome;
}

const write = (tool, args) => ({
  // The line is written before the answer; the gateway may go on or start the member again.
  run: async (bad) => { await settled(JSON.stringify(args), bad.text(tool, args), 20_000); },
  stdioOnly: true,
});
const kinds = ['prose', 'broken', 'array', 'number', 'empty', 'unknown_id', 'string_id', 'null_id',
  'unknown_token', 'duplicate', 'escaped_key', 'deep', 'utf8', 'nul'];

const troubles = {
  hang: {
    async run(bad) {
      const stop = new AbortController();
      const hanging = bad.text('gw_hang', {}, { signal: stop.signal });
      hanging.catch(() => {});
      assert.equal((await bad.json('gw_echo', { tag: 'beside a hang' })).tag, 'beside a hang');
      setTimeout(() => stop.abort('enough'), 300);
      const { error } = await settled('gw_hang', hanging, 5000);
      assert.ok(error, 'a call that hangs was answered');
    },
  },
  crash: {
    async run(bad, beside) {
      const waiting = beside.text('gw_slow', { tag: 'beside', steps: 400, interval: 50 });
      waiting.catch(() => {});
      await until('the other call runs',
        async () => await beside.text('gw_outcome', { tag: 'beside' }) === 'running');
      const shared = (await bad.json('gw_info')).pid === (await beside.json('gw_info')).pid;
      const { error } = await settled('gw_crash', bad.text('gw_crash', { after: 50 }), 5000);
      assert.ok(error, 'a call that crashed its member was answered');
      if (!shared) return;
      const other = await settled('a call beside gw_crash', waiting, 5000);
      assert.ok(other.error, 'a call survived the crash of its member');
    },
  },
  exit: {
    async run(bad) {
      await settled('gw_exit', bad.text('gw_exit', { code: 3 }), 5000);
      await pause(300);  // it answers first
    },
  },
  flood: {
    async run(bad) {
      const tag = 'flood';
      const args = { tag, count: 20_000, bytes: 100 };
      await bad.level('info');
      const { text, error } = await settled('gw_flood', bad.text('gw_flood', args), 30_000);
      if (error) return;  // a flood may cost the one who asked for it
      assert.equal(text, `flooded ${tag} 20000`);
    },
  },
  'huge answer': {
    async run(bad) {
      const call = bad.text('gw_huge', { megabytes: 50, as: 'answer' });
      const { text, error } = await settled('a huge answer', call, 30_000);
      if (!error) assert.equal(text.length, 50 << 20);
    },
  },
  'huge garbage': write('gw_huge', { megabytes: 50, as: 'garbage' }),
  'huge notification': write('gw_huge', { megabytes: 50, as: 'notification' }),
  'line without end': write('gw_huge', { megabytes: 50, as: 'endless' }),
  ...Object.fromEntries(kinds.map((kind) => [`garbage ${kind}`, write('gw_garbage', { kind })])),
};

const chosen = options.only?.split(',') ?? Object.keys(troubles)
  .filter((name) => options.member === 'stdio' || !troubles[name].stdioOnly);
for (const name of chosen)
  if (!troubles[name]) throw new Error(`no trouble is called ${name}`);

/** The good member's client has a thread of its own: what the bad one's clients get is much. */
async function callTheGood() {
  const good = await connect('good', goodUrl);
  const { pid } = await good.json('gw_info');
  let worst = 0;
  let count = 0;
  parentPort.on('message', () => {
    parentPort.postMessage({ worst, count });
    worst = 0;
  });
  parentPort.postMessage('ready');
  for (;;) {
    const start = performance.now();
    const tag = `good ${++count}`;
    const { text, error } = await settled(tag, good.text('gw_echo', { tag }), 10_000);
    if (error) throw error;
    assert.equal(JSON.parse(text).tag, tag);
    assert.equal(JSON.parse(text).pid, pid, 'the good member was started again');
    worst = Math.max(worst, performance.now() - start);
    await pause(10);
  }
}
if (!isMainThread) await callTheGood();

const caller = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
caller.on('error', (error) => {
  console.error(`FAIL the good member's client: ${error.message}`);
  process.exit(1);
});
await once(caller, 'message');
/** Its slowest call since it was asked last, and how many there were in all. */
const asked = async () => {
  caller.postMessage('how is it?');
  return (await once(caller, 'message'))[0];
};

let at;
try {
  for (at of chosen) {
    await asked();
    const [bad, beside] = await Promise.all([connect('bad', badUrl), connect('beside', badUrl)]);
    await troubles[at].run(bad, beside);
    await Promise.all([bad, beside].map((peer) => settled('close', peer.close(), 5000)));
    await until('the bad member serves again', async () => {
      const fresh = await connect('fresh', badUrl).catch(() => undefined);
      const { text } = fresh
        ? await settled('gw_echo', fresh.text('gw_echo', { tag: 'again' }), 30_000) : {};
      fresh?.close().catch(() => {});
      return text !== undefined && JSON.parse(text).tag === 'again';
    }, 30_000);
    const { worst } = await asked();
    assert.ok(worst < Number(options.limit), `a call of the good member took ${worst} ms`);
    console.log(`ok ${at} (the good member's slowest call: ${worst.toFixed(1)} ms)`);
  }
  console.log(`ok ${(await asked()).count} calls of the good member`);
  process.exit(0);
} catch (error) {
  console.error(`FAIL ${at}: ${error.message}\n${error.stack}`);
  process.exit(1);
}
