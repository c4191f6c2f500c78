import type { RunOptions } from './inputs.js';

const names = { operational: 'the operational passphrase', recovery: 'the recovery key', both: 'the operational passphrase and the recovery key' } as const;

/**
 * What the key holders are told of a rotation: the plan's 5.3, step 8, and of an emergency within one hour.
 *
 * @param values.at - ISO time at which the old keys had ceased to open the volume.
 * @param values.overtakenBy - The run whose keys have taken the place of this one's new ones.
 */
export function renderRotationNotice({ host, at, keys, reason, emergency, overtakenBy }: { readonly host: string; readonly at: string; readonly overtakenBy?: string } & Pick<RunOptions, 'keys' | 'reason' | 'emergency'>): string {
  return [
    `Subject: ${emergency ? 'EMERGENCY: ' : ''}key rotation on ${host}`,
    '',
    `On ${host}, ${names[keys]} of the encrypted volume ${keys === 'both' ? 'were' : 'was'} replaced (${reason}${emergency ? ', emergency' : ''}), done ${at}.`,
    '',
    'The old one opens nothing any more on this host. It still opens header backups of before, wherever there are any: destroy those.',
    ...(overtakenBy === undefined ? whatToUse(keys) : [`The new one of this rotation opens nothing any more either: ${overtakenBy} came first. Use what was stored in that one, and mark the entry of this one deprecated.`]),
    '',
  ].join('\n');
}

function whatToUse(keys: RunOptions['keys']): readonly string[] {
  return [
    keys === 'recovery' ? 'The password manager is as it was.' : 'Use the new entry of the password manager from now on; the old one is marked deprecated with its date.',
    ...(keys === 'operational' ? [] : ['The printed recovery sheet of before is void: the new one lies where the old one lay.']),
  ];
}
