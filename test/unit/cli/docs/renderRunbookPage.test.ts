import { readFile, readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { renderRunbookPage } from '../../../../src/cli/docs/renderRunbookPage.js';
import { runbooks } from '../../../../src/cli/runbooks.js';
import { describeRunbook } from '../../../../src/workflows/describe.js';
import { toy } from '../../../workflows/toy/runbook.js';

const pages = new URL('../../../../docs/runbooks/', import.meta.url);

describe('the pages of runbooks', () => {
  it.each(runbooks.map((runbook) => [runbook.name, runbook] as const))('%s.md is what "npm run docs" makes', async (name, runbook) => {
    expect(await readFile(new URL(`${name}.md`, pages), 'utf8')).toBe(renderRunbookPage(describeRunbook(runbook)));
  });

  it('are those of the runbooks that there are', async () => {
    expect((await readdir(pages)).sort()).toEqual(runbooks.map(({ name }) => `${name}.md`).sort());
  });
});

describe('a page', () => {
  const page = renderRunbookPage(describeRunbook(toy));

  it('names every node with its id, in the order of the list', () => {
    const ids = describeRunbook(toy).sections.flatMap(({ nodes }) => nodes.map(({ id }) => id));
    const upToWayBack = page.slice(0, page.indexOf('## The way back'));
    expect([...upToWayBack.matchAll(/^\| .*\| `([^`]+)` \|/gm)].map(([, id]) => id)).toEqual(ids);
  });

  it('says who is offline, and for how many nodes', () => {
    expect(page).toContain(
      '6 nodes, 2 of which wait for people. Users are offline from "Copy every file to the new volume" to the end of "Start the database from the copy": 2 nodes, marked with ▌.',
    );
  });

  it('shows the way back in the order in which it is gone', () => {
    const [first, second, last] = page.slice(page.indexOf('| Undo | Of |')).trim().split('\n').slice(2);
    expect(first).toMatch(/^\| Start the database from the source \|/);
    expect(second).toMatch(/^\| Remove the copy \|/);
    expect(last).toBe('| Prove that the source serves | at the end |');
    expect(page).toContain('An undo that fails is tried again, or skipped by a person with a reason');
  });

  it('keeps a bar in a title from ending its cell', () => {
    const described = describeRunbook(toy);
    const [section] = described.sections;
    const [node] = section?.nodes ?? [];
    if (section === undefined || node === undefined) throw new Error('the toy has no node');
    const renamed = { ...described, sections: [{ ...section, nodes: [{ ...node, title: 'a | b' }] }] };
    expect(renderRunbookPage(renamed)).toContain(String.raw`| a \| b |`);
  });
});
