import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pointSchema, type FaultPoint, type Verdict } from './point.js';

/** What happens at a point. */
export type Decide = (point: FaultPoint) => Promise<Verdict>;

/** Decides, from outside the host, at which point what breaks; it outlives the host's power. */
export interface Director {
  /** Of this machine's 127.0.0.1. */
  readonly port: number;
  /** Takes the place of whoever decided before. It may take as long as it needs: the worker waits. */
  readonly decideWith: (decide: Decide) => void;
  readonly close: () => Promise<void>;
}

/** Answers on loopback, from when somebody decides: a worker that comes sooner waits for that. */
export async function startDirector(): Promise<Director> {
  let begin: (() => void) | undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  let decide: Decide = () => Promise.resolve('go');
  const server = createServer((request, response) => {
    void text(request)
      .then(async (body) => {
        await begun;
        return decide(pointSchema.parse(JSON.parse(body)));
      })
      .catch(() => 'go' as const)
      .then((verdict) => response.end(verdict));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    decideWith(next) {
      decide = next;
      begin?.();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
