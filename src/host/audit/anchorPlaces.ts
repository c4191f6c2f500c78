import type { Config } from '../../config/schema.js';
import { PermanentFailure } from '../../contract/errors.js';
import type { Run } from '../processes/runner.js';
import { renderAnchor, type AnchorPlace } from './anchor.js';
import { createAnchorFile } from './anchorFile.js';
import { createAnchorRepository } from './anchorRepository.js';

/** A way to people, as alerts take it: by mail, by webhook. */
export interface AnchorChannel {
  readonly name: string;
  readonly send: (message: { readonly id: string; readonly subject: string; readonly text: string; readonly data: Readonly<Record<string, string | number>> }) => Promise<unknown>;
}

/** What the places are made with. */
export interface AnchorPlaceSettings {
  readonly to: Config['audit']['anchors']['to'];
  readonly run: Run;
  /** Where a repository may be put together; what is in it is removed. */
  readonly directory: string;
  readonly channels: readonly AnchorChannel[];
}

/** The places that lockstep.yaml names; of `alerts`, one for each channel. */
export function createAnchorPlaces({ to, run, directory, channels }: AnchorPlaceSettings): readonly AnchorPlace[] {
  return to.flatMap((place): readonly AnchorPlace[] => {
    switch (place.kind) {
      case 'file':
        return [createAnchorFile(place.path)];
      case 'git':
        return [createAnchorRepository({ ...place, run, directory })];
      case 'alerts':
        return channels.length === 0 ? [withoutChannels] : channels.map(toPlace);
    }
  });
}

/** To be heard of is better than to be passed over. */
const withoutChannels: AnchorPlace = {
  name: 'alerts',
  send: () => Promise.reject(new PermanentFailure('audit.anchors.to names alerts, and lockstep.yaml sets up no channel for them', 'set one up, or take the place out')),
};

function toPlace(channel: AnchorChannel): AnchorPlace {
  return {
    name: `alerts by ${channel.name}`,
    async send(anchor) {
      await channel.send({
        id: `audit-anchor/${anchor.host}/${anchor.sequence}`,
        subject: `Anchor of ${anchor.host}'s audit log: line ${anchor.sequence}`,
        text: [
          'Keep this line. With it, "lockstep audit verify --anchors FILE" shows whether the log was changed or cut up to there.',
          '',
          renderAnchor(anchor),
        ].join('\n'),
        data: { ...anchor },
      });
    },
  };
}
