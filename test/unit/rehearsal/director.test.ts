import { expect, it } from 'vitest';
import { startDirector } from '../../../src/rehearsal/faultPoints/director.js';
import type { FaultPoint } from '../../../src/rehearsal/faultPoints/point.js';

const point: FaultPoint = { moment: 'before', runbook: 'migrate', node: 'copy-data', phase: 'do', call: 'one', upMilliseconds: 5 };

it('a worker that comes before anybody decides waits, and is told what was decided', async () => {
  const director = await startDirector();
  try {
    let answered = false;
    const answer = fetch(`http://127.0.0.1:${director.port}`, { method: 'POST', body: JSON.stringify(point) })
      .then((response) => response.text())
      .finally(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    director.decideWith(({ node }) => Promise.resolve(node === 'copy-data' ? 'die' : 'go'));
    await expect(answer).resolves.toBe('die');
  } finally {
    await director.close();
  }
});
