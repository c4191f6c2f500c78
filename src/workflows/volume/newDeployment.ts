import { formatCount } from '../../contract/facts.js';
import type { Unless } from '../engine/nodes.js';
import { optionalStep } from '../words.js';

const isNew: Unless = { holds: ({ input }) => input.newDeployment === true, otherwise: 'it is not asked for (--new-deployment)' };
const isLater: Unless = { holds: ({ input }) => input.newDeployment !== true, otherwise: 'a database begins on it at once (--new-deployment)' };

export const checkNewDeployment = optionalStep({
  id: 'check-new-deployment',
  title: 'The deployment has no database yet, and its images are on this host',
  plan: '1.3',
  when: isNew,
  do: (act) => act.assertNewDeployment(),
  show: ({ container, image }) => [['database', `${container} (${image}), not initialised`]],
});

export const notePrepared = optionalStep({
  id: 'note-prepared',
  title: 'Noted as prepared and empty: the next runbook takes it as it is',
  plan: '1.1',
  when: isLater,
  requires: ['volume open'],
  do: (act) => act.notePrepared(),
  undo: { title: 'Not prepared any more', do: (act) => act.forgetPrepared() },
  show: ({ device, uuid }) => [['volume', `${device}, ${uuid}`]],
});

export const selectOverlay = optionalStep({
  id: 'select-overlay',
  title: 'Compose overlay selected in .env',
  plan: '1.3',
  when: isNew,
  requires: ['volume open'],
  do: (act) => act.selectOverlay(),
  undo: { title: 'Original compose files selected', do: (act) => act.deselectOverlay() },
  show: (selected) => [['COMPOSE_FILE', selected.composeFile]],
});

export const initialiseDatabase = optionalStep({
  id: 'initialise-database',
  title: 'PostgreSQL initialised on the encrypted volume; every open file lies on it',
  plan: '1.3',
  when: isNew,
  requires: ['volume open', 'volume selected'],
  do: (act) => act.initialiseDatabase(),
  undo: { title: 'PostgreSQL on the encrypted volume stopped', do: (act) => act.stopNewDatabase() },
  show: (started) => [['open files on the volume', formatCount(started.openFiles)]],
});

export const startApplication = optionalStep({
  id: 'start-application',
  title: 'Application started, and healthy',
  plan: '1.3',
  when: isNew,
  requires: ['volume open', 'database up'],
  do: (act) => act.startApplicationOnVolume(),
  undo: { title: 'Application stopped', do: (act) => act.stopApplication({}) },
  show: (up) => [['health', String(up.status)]],
});
