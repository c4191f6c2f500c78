import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRequest, readJson } from '../../../src/host/http.js';

const request = createRequest();
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      if (incoming.url?.startsWith('/slow')) return;
      if (incoming.url === '/long') response.end('x'.repeat(100_000));
      else if (incoming.url === '/moved') response.writeHead(302, { location: '/' }).end();
      else if (incoming.url === '/broken') response.writeHead(200, { 'content-length': '10' }).write('half', () => response.destroy());
      else {
        const { method, headers } = incoming;
        response.writeHead(incoming.url === '/refused' ? 503 : 200, { 'X-Kind': 'echo' });
        response.end(JSON.stringify({ method, type: headers['content-type'], token: headers.authorization, body: Buffer.concat(chunks).toString() }));
      }
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('sends JSON and reads it back, with the time it took', async () => {
  const response = await request({ url, headers: { authorization: 'Bearer t' }, body: { a: 1 } });
  expect(response).toMatchObject({ status: 200, isTruncated: false });
  expect(response.headers['x-kind']).toBe('echo');
  expect(readJson(response)).toEqual({ method: 'POST', type: 'application/json', token: 'Bearer t', body: '{"a":1}' });
  expect(response.durationMilliseconds).toBeGreaterThan(0);
});

test('sends text as it is, and nothing without a body', async () => {
  expect(readJson(await request({ url, method: 'PUT', body: 'plain' }))).toMatchObject({ method: 'PUT', body: 'plain' });
  expect(readJson(await request({ url }))).toMatchObject({ method: 'GET', body: '' });
});

test('an error status and a redirect are answers', async () => {
  expect((await request({ url: `${url}/refused` })).status).toBe(503);
  expect((await request({ url: `${url}/moved` })).status).toBe(302);
});

test('reads no more of a body than it may', async () => {
  const response = await request({ url: `${url}/long`, maximumBodyBytes: 1000 });
  expect(response.text).toBe('x'.repeat(1000));
  expect(response.isTruncated).toBe(true);
  expect(readJson(response)).toBeUndefined();
});

test('tells how a server did not answer, without the query', async () => {
  await expect(request({ url: `${url}/slow?token=canary`, timeoutSeconds: 0.1 })).rejects.toThrow(`${url}/slow gave no complete answer within 0.1 s`);
  await expect(request({ url: `${url}/broken` })).rejects.toThrow('could not be reached');
  await expect(request({ url: 'http://127.0.0.1:1/health' })).rejects.toThrow('http://127.0.0.1:1/health could not be reached');
  await expect(request({ url: `${url}/slow`, signal: AbortSignal.timeout(50) })).rejects.toThrow('was cancelled');
});

test('names the reason that Node hides', async () => {
  const { port } = server.address() as AddressInfo;
  const closed = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => closed.once('listening', resolve));
  const free = (closed.address() as AddressInfo).port;
  await new Promise((resolve) => closed.close(resolve));
  expect(free).not.toBe(port);
  await expect(request({ url: `http://127.0.0.1:${free}/` })).rejects.toThrow('ECONNREFUSED');
});
