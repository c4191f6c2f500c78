import { breachAnswers, breachConditions, isNotifiable } from '../../contract/breach.js';
import type { OnlyIf, View } from '../engine/nodes.js';
import { draftNotifications, noticeEvidence, unlockEvidence } from './evidence.js';
import { rotateKeys } from './immediate.js';
import { exfiltration } from './investigation.js';
import { item, remedied } from './item.js';

export const documentIncident = item(remedied, { id: 'incident-documented', title: 'The incident is documented' });

export const neverUnlocked = item(remedied, {
  ...breachConditions.neverUnlocked,
  choices: breachAnswers,
  evidence: ({ from }) => [...noticeEvidence(from), ...unlockEvidence(from)],
});

export const noDataAccessed = item(remedied, {
  ...breachConditions.noDataAccessed,
  choices: breachAnswers,
  after: [exfiltration],
  evidence: ({ from }) => [...noticeEvidence(from), ['exfiltration', from(exfiltration)?.reason ?? 'nothing was said of it']],
});

export const rotatedInTime = item(remedied, {
  ...breachConditions.rotatedInTime,
  choices: breachAnswers,
  after: [rotateKeys],
  evidence: ({ from }) => [...noticeEvidence(from), ['rotation', from(rotateKeys)?.outcome ?? 'no run of it has come to its end']],
});

export const updateProcedures = item(remedied, { id: 'procedures-updated', title: 'Security procedures are updated, so that it does not happen again' });

export const considerKeySplitting = item(remedied, { id: 'key-splitting-considered', title: "Key splitting (Shamir's secret sharing) is considered for the future" });

export const notifyInternally = item(remedied, { id: 'notify-internally', title: 'The security team and the management are notified' });

/** Only three times yes spares the notifications. */
const whereNotifiable: OnlyIf = {
  holds: ({ from }: View) => isNotifiable([from(neverUnlocked), from(noDataAccessed), from(rotatedInTime)].map((answer) => answer?.answer)),
  otherwise: 'not notifiable: the volume was never unlocked by an unauthorised party, no data was accessed, and the rotation was completed in time',
};

const assessment = [neverUnlocked, noDataAccessed, rotatedInTime];

export const notifyAuthority = item(remedied, {
  id: 'notify-authority',
  title: 'The supervisory authority is notified (GDPR Art. 33), or Art. 33(1) says why it need not be: a risk to the people whose data it is, is unlikely',
  choices: ['notified', 'not-required'],
  after: assessment,
  onlyIf: whereNotifiable,
  evidence: ({ from }) => [['draft', from(draftNotifications).authority]],
});

export const notifyUsers = item(remedied, {
  id: 'notify-users',
  title: 'Users are notified (GDPR Art. 34), or Art. 34(1) or 34(3) says why they need not be',
  choices: ['notified', 'not-required'],
  after: assessment,
  onlyIf: whereNotifiable,
  evidence: ({ from }) => [['draft', from(draftNotifications).users]],
});
