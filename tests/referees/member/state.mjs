// SPDX-License-Identifier: Apache-2.0
// What every session of the member shares: counters, cancellations, lists that change at run time,
// and how subscribers hear of a change.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** A failure that the peer sees as this JSON-RPC error. */
export class Failure extends Error {
  constructor(code, message, data) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

const key = randomBytes(32);
const sign = (text) => createHmac('sha256', key).update(text).digest();

/** Request state that the client carries and cannot change. */
export function seal(value) {
  const text = Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${text}.${sign(text).toString('base64url')}`;
}

export function unseal(sealed) {
  if (sealed === undefined) return undefined;
  const [text, mac, more] = String(sealed).split('.');
  const given = Buffer.from(mac ?? '', 'base64url');
  const due = sign(text);
  if (more !== undefined || mac !== due.toString('base64url') || !timingSafeEqual(given, due))
    throw new Failure(-32602, 'requestState was changed on its way');
  return JSON.parse(Buffer.from(text, 'base64url'));
}

export const member = {
  era: '',
  transport: '',
  counts: {},            // method -> how many messages of it came in
  cancelled: new Map(),  // tag of a gw_slow call -> what it saw
  added: { tools: false, prompts: false, resources: false },
  touched: new Map(),    // uri -> how often it was touched
  sessions: new Set(),   // { changed(list), updated(uri) }

  count(message) {
    if (typeof message?.method === 'string')
      this.counts[message.method] = (this.counts[message.method] ?? 0) + 1;
  },
  async change(list) {
    this.added[list] = !this.added[list];
    await Promise.all([...this.sessions].map((session) => session.changed(list)));
  },
  async touch(uri) {
    this.touched.set(uri, (this.touched.get(uri) ?? 0) + 1);
    await Promise.all([...this.sessions].map((session) => session.updated(uri)));
  },
};
