import { expect, test } from 'vitest';
import { makeRecoverySheet, makeShareSheet } from '../../../../src/cli/sheets/sheet.js';
import { renderSheetPage } from '../../../../src/cli/sheets/sheetPage.js';
import { renderSheetText } from '../../../../src/cli/sheets/sheetText.js';
import { splitPassphrase } from '../../../../src/host/passphrases/recoveryShares.js';

const subject = { host: 'db1', volume: 'pg-data-encrypted', made: new Date('2026-01-02T03:04:05Z') };
const words = 'footgear debit deskwork civil hug crafter rule zero';

test('a sheet says when it may be opened, and has each line with its code', () => {
  const page = renderSheetPage([makeRecoverySheet(words, subject)]);
  for (const part of ['two witnesses', 'photo ID', 'db1', 'pg-data-encrypted', '2026-01-02', 'envelope number', 'footgear debit deskwork', '<svg', '@page', 'Code over the whole']) expect(page).toContain(part);
  expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
});

test('what a passphrase holds is no markup, and its spaces are seen', () => {
  const page = renderSheetPage([makeRecoverySheet('<b>&"  x', subject)]);
  expect(page).toContain('&lt;b&gt;&amp;&quot;\u2423\u2423x');
  expect(page).not.toContain('<b>');
});

test('each holder has a page of their own, without the passphrase', async () => {
  const sheets = (await splitPassphrase(words, { shares: 3, threshold: 2 })).map((share) => makeShareSheet(share, subject));
  const page = renderSheetPage(sheets);
  expect(page.match(/<section>/g)).toHaveLength(3);
  // On each paper, whichever share it has.
  expect(page).toContain('<title>Shares of a recovery passphrase</title>');
  expect(renderSheetPage(sheets.slice(0, 1))).toContain('<title>Share 1 of 3 of a recovery passphrase</title>');
  for (const sheet of sheets) {
    const text = renderSheetText(sheet, 80);
    expect(text.join('\n')).not.toContain('footgear');
    expect(text.filter((line) => line.length > 80)).toEqual([]);
  }
});
