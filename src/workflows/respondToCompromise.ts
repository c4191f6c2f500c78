import type { Activities } from '../activities/activities.js';
import type { Facts } from '../contract/facts.js';
import type { Runbook, View } from './engine/nodes.js';
import { draftNotifications, readLogins, reviewUnlocks } from './respondToCompromise/evidence.js';
import { assessBlastRadius, notifyKeyHolders, readUnlocks, relatedPasswords, rotateKeys } from './respondToCompromise/immediate.js';
import { accessLogs, compromiseVector, exfiltration } from './respondToCompromise/investigation.js';
import {
  considerKeySplitting,
  documentIncident,
  neverUnlocked,
  noDataAccessed,
  notifyAuthority,
  notifyInternally,
  notifyUsers,
  rotatedInTime,
  updateProcedures,
} from './respondToCompromise/remediation.js';
import { optionalStep, parallel, section } from './words.js';

const writeReport = optionalStep({
  id: 'incident-report',
  title: 'The report: what was done when, by whom, against its deadline',
  plan: '5.3',
  skippable: true,
  do: (act) => act.writeIncidentReport(),
  show: ({ file, items, late, notDone, verdict }) => [
    ['report', file],
    ['items', `${items}, ${late} of them late, ${notDone} not done`],
    ['assessment', verdict],
  ],
});

/** The plan's "Key Compromise Response": a passphrase may be known to others. */
export const respondToCompromise: Runbook<Activities> = {
  name: 'respondToCompromise',
  title: 'Respond to a suspected compromise of a passphrase',
  takes: ['awareSince'],
  holdsHost: false,
  sections: [
    section('Evidence', '5.3', [reviewUnlocks, readLogins, draftNotifications]),
    section('Immediate actions, investigation, remediation, notification', '5.3', [
      parallel({
        id: 'response',
        title: 'Within 1 hour, 24 hours and 72 hours',
        plan: '5.3',
        nodes: [
          rotateKeys,
          assessBlastRadius,
          readUnlocks,
          relatedPasswords,
          notifyKeyHolders,
          compromiseVector,
          exfiltration,
          accessLogs,
          documentIncident,
          neverUnlocked,
          noDataAccessed,
          rotatedInTime,
          updateProcedures,
          considerKeySplitting,
          notifyInternally,
          notifyAuthority,
          notifyUsers,
        ],
      }),
    ]),
    section('Report', '5.3', [writeReport]),
  ],
  afterRollback: [],
  whenStopped: [writeReport],
  summary: summarise,
};

function summarise({ from }: View, has: (step: { readonly id: string }) => boolean): Facts {
  if (!has(writeReport)) return [];
  const { file, verdict, late } = from(writeReport) ?? {};
  return [
    ['report', file ?? ''],
    ['assessment', verdict ?? ''],
    ['late', String(late ?? 0)],
  ];
}
