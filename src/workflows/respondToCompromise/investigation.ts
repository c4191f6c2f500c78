import { loginEvidence, unlockEvidence } from './evidence.js';
import { investigated, item } from './item.js';

export const compromiseVector = item(investigated, {
  id: 'compromise-vector',
  title: 'The compromise vector is determined: phishing, shoulder surfing, theft, or that it stays unknown',
});

export const exfiltration = item(investigated, {
  id: 'exfiltration-checked',
  title: 'It is checked whether data was exfiltrated',
  evidence: ({ from }) => unlockEvidence(from),
});

export const accessLogs = item(investigated, {
  id: 'access-logs-reviewed',
  title: 'The server access logs are reviewed',
  evidence: ({ from }) => loginEvidence(from),
});
