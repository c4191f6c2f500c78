import { expect, test } from 'vitest';
import type { OpenQuestion } from '../../../src/contract/questions.js';
import type { RunStatus } from '../../../src/contract/status.js';
import { renderPage } from '../../../src/workflows/engine/page.js';

const question: OpenQuestion = {
  ...{ id: 'logs', node: 'logs', kind: 'acknowledgement', title: 'The logs are reviewed', choices: ['acknowledged'], reasonFor: ['acknowledged'] },
  evidence: [['sessions', '3']],
  openedAt: '2030-05-04T02:00:00.000Z',
  dueAt: '2030-05-04T03:00:00.000Z',
};

const status: RunStatus = {
  ...{ runbook: 'respondToCompromise', host: 'h1', runId: 'r', state: 'waiting', startedAt: '2030-05-04T02:00:00.000Z', startedBy: 'ann' },
  nodes: [{ id: 'logs', section: 'Now', title: 'The logs are reviewed', kind: 'question', plan: '5.3', state: 'open', usersOffline: false }],
  questions: [question],
  decisions: [],
};

test('what is to be answered stands in a paragraph of its own below the figures', () => {
  expect(renderPage(status).split('\n')).toEqual([
    '**respondToCompromise** on **h1**: **waiting**',
    '',
    '### The logs are reviewed',
    '- sessions: **3**',
    '',
    'Due: **2030-05-04 03:00 UTC**',
    '',
    'Signal `decide` with `{"question": "logs", "answer": "acknowledged", "by": "your name", "reason": "why"}`',
    '',
    '| | Step | Plan | |',
    '|---|---|---|---|',
    '| ? | The logs are reviewed | 5.3 |  |',
  ]);
});

test('a question without figures has its answer right below it', () => {
  const { dueAt: _, ...withoutDeadline } = question;
  expect(renderPage({ ...status, questions: [{ ...withoutDeadline, evidence: [] }] })).toContain('### The logs are reviewed\nSignal `decide`');
});
