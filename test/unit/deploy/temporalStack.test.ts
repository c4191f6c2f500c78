import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const stackSchema = z.looseObject({
  services: z.record(z.string(), z.looseObject({ image: z.string(), restart: z.string(), ports: z.array(z.string()).default([]) })),
});

async function readServices() {
  const text = await readFile(new URL('../../../docker-compose.temporal.yaml', import.meta.url), 'utf8');
  return Object.entries(stackSchema.parse(parse(text)).services);
}

describe('docker-compose.temporal.yaml', () => {
  it('opens ports on the loopback address alone, since the server authenticates nobody', async () => {
    const ports = (await readServices()).flatMap(([, { ports }]) => ports);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('pins every image, and starts every service again', async () => {
    for (const [name, { image, restart }] of await readServices()) {
      expect(image, name).toMatch(/:\d+\.\d+(\.\d+)?(-alpine)?$/);
      expect(restart, name).toBe('unless-stopped');
    }
  });
});
