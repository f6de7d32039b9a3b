// SPDX-License-Identifier: Apache-2.0
// Two clients, each of two members at once, with everything in flight: every message that one gets
// must bear its own name, and none may be missing.
// usage: two_clients.mjs URL1 URL2 [--clients KIND,KIND] [--rounds N] [--shared-logs]
//          [--without progress,cancellation,logging,sampling,elicitation,roots,subscriptions,echo]
// A URL that ends in /sse is HTTP+SSE. --shared-logs allows messages of others among the logs, for
// members whose wire does not say whose call a log message belongs to.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { askedFor, cancelledSlow, watchedSlow } from './checks.mjs';
import { Peer, pause, until } from './peer.mjs';

const { values: options, positionals: urls } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: 'v1,v1' },
    rounds: { type: 'string', default: '3' },
    without: { type: 'string', default: '' },
    'shared-logs': { type: 'boolean', default: false },
  },
});
const kinds = options.clients.split(',');
if (urls.length !== 2 || kinds.length !== 2) {
  console.error('usage: two_clients.mjs URL1 URL2 [--clients KIND,KIND] [--rounds N] ' +
    '[--shared-logs] [--without KIND,...]');
  process.exit(2);
}

const traffic = {
  progress: (peer, tag) => watchedSlow(peer, tag, 20, 20),
  cancellation: (peer, tag) => cancelledSlow(peer, tag),
  async logging(peer, tag) {
    await peer.text('gw_log', { tag, count: 20, interval: 15 });
    await until(`20 log messages for ${tag}`,
      () => peer.received.logs.filter(({ data }) => data?.tag === tag).length === 20);
  },
  async elicitation(peer, tag) {
    for (let i = 0; i < 5; ++i) await askedFor(peer, 'elicitation', `${tag}-${i}`);
  },
  async sampling(peer, tag) {
    for (let i = 0; i < 5; ++i) await askedFor(peer, 'sampling', `${tag}-${i}`);
  },
  async roots(peer, tag) {
    for (let i = 0; i < 5; ++i) await askedFor(peer, 'roots', `${tag}-${i}`);
  },
  async subscriptions(peer, tag) {
    const uri = `gw://watched/${tag}`;
    await peer.subscribe(uri);
    for (let i = 1; i <= 10; ++i) {
      await peer.text('gw_touch', { uri });
      await until(`update ${i} of ${uri}`,
        () => peer.received.updates.filter((update) => update.uri === uri).length === i);
    }
    await peer.unsubscribe(uri);
  },
  async echo(peer, tag) {
    for (let i = 0; i < 50; ++i)
      assert.equal((await peer.json('gw_echo', { tag: `${tag}-${i}` })).tag, `${tag}-${i}`);
  },
};
const without = options.without.split(',').filter(Boolean);
for (const name of without)
  if (!traffic[name]) throw new Error(`--without: ${Object.keys(traffic).join(', ')}, not ${name}`);
const names = Object.keys(traffic).filter((name) => !without.includes(name));

/** Everything that this peer got must be its own. */
function checkOwn(peer) {
  const mine = `${peer.name}-`;
  const own = (what, list) => {
    for (const entry of list)
      assert.ok(JSON.stringify(entry).includes(mine),
        `${peer.name} got ${what} of another: ${JSON.stringify(entry)}`);
  };
  if (!options['shared-logs']) own('a log message', peer.received.logs);
  own('an update', peer.received.updates);
  own('progress', peer.received.progress);
  own('a request', peer.received.asked.filter(({ kind }) => kind !== 'roots'));
  // A client may hear of a call that it has cancelled; of a call of another it may not.
  own('something unexpected', peer.errors.map(({ message }) => message)
    .filter((message) => /unknown (token|message)/.test(message)));
  const other = peer.errors.filter(({ message }) =>
    !/unknown (token|message)|abort|enough/i.test(message));
  assert.deepEqual(other.map(({ message }) => message), [], `${peer.name} met errors`);
  const rounds = Number(options.rounds);
  const count = (kind) => peer.received.asked.filter((asked) => asked.kind === kind).length;
  for (const kind of ['elicitation', 'sampling', 'roots'])
    if (names.includes(kind)) assert.equal(count(kind), 5 * rounds, `${peer.name}: ${kind}`);
  if (names.includes('subscriptions'))
    assert.equal(peer.received.updates.length, 10 * rounds, `${peer.name}: updates`);
}

/** A change of one member's lists is heard by its two clients, once each, and by no one else. */
async function checkChanges(peers) {
  for (const peer of peers) await peer.hearChanges();
  for (const [member, url] of urls.entries()) {
    const before = peers.map((peer) => peer.received.tools.length);
    const concerned = peers.map((peer) => peer.member === member);
    for (const times of [1, 2]) {  // there and back
      await peers[concerned.indexOf(true)].text('gw_change', { list: 'tools' });
      await until(`both clients of ${url} hear of the change`, () => peers.every((peer, i) =>
        !concerned[i] || peer.received.tools.length >= before[i] + times));
      await pause(200);
      for (const [i, peer] of peers.entries())
        assert.equal(peer.received.tools.length, before[i] + (concerned[i] ? times : 0),
          `${peer.name}: list_changed`);
    }
  }
}

let at = 'connect';
const overdue = setTimeout(() => {
  console.error(`FAIL ${at}: not done after 120 s`);
  process.exit(1);
}, 120_000);
try {
  const peers = [];
  for (const [i, kind] of kinds.entries())
    for (const [member, url] of urls.entries()) {
      const peer = new Peer(kind, `${'AB'[i]}${member + 1}-${process.pid}`,
        { transport: url.endsWith('/sse') ? 'sse' : 'http', url });
      peer.member = member;
      peers.push(await peer.connect());
    }
  for (const peer of peers) await peer.level('info');
  for (let round = 1; round <= Number(options.rounds); ++round) {
    at = `round ${round}`;
    await Promise.all(peers.flatMap((peer) => names.map((name) =>
      traffic[name](peer, `${peer.name}-${name}-${round}`).catch((error) => {
        error.message = `${peer.name} ${name}: ${error.message}`;
        throw error;
      }))));
    console.log(`ok round ${round}`);
  }
  at = 'own messages';
  await pause(300);
  for (const peer of peers) checkOwn(peer);
  console.log('ok every message came to its owner');
  at = 'changed lists';
  await checkChanges(peers);
  console.log('ok changed lists are heard by the clients of that member');
  at = 'close';
  for (const peer of peers) await peer.close();
  clearTimeout(overdue);
  process.exit(0);
} catch (error) {
  console.error(`FAIL ${at}: ${error.message}`);
  console.error(error.stack);
  process.exit(1);
}
