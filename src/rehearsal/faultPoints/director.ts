import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pointSchema, type FaultPoint, type Verdict } from './point.js';

/** Decides, from outside the host, at which point what breaks; it outlives the host's power. */
export interface Director {
  /** Of this machine's 127.0.0.1. */
  readonly port: number;
  /** Takes the place of whoever decided before. It may take as long as it needs: the worker waits. */
  readonly decideWith: (decide: (point: FaultPoint) => Promise<Verdict>) => void;
  readonly close: () => Promise<void>;
}

/** Answers on loopback; everything goes until somebody decides otherwise. */
export async function startDirector(): Promise<Director> {
  let decide: (point: FaultPoint) => Promise<Verdict> = () => Promise.resolve('go');
  const server = createServer((request, response) => {
    void text(request)
      .then((body) => decide(pointSchema.parse(JSON.parse(body))))
      .catch(() => 'go' as const)
      .then((verdict) => response.end(verdict));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    decideWith(next) {
      decide = next;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
