import type { ChannelSettings } from '../../config/alertsSchema.js';
import { parseSecretReference } from '../../config/secretReference.js';
import type { SecretReferenceSetting } from '../../config/secretReferenceSchema.js';
import { createRequest, type Request } from '../http.js';
import { createFetchTrusting } from '../trustingFetch.js';
import { readAuthority } from './authority.js';
import { NotTaken, type Channel } from './channel.js';
import type { ReadSecret } from './unattendedSecret.js';

/** A web address, as lockstep.yaml names it. */
export type WebhookSettings = Extract<ChannelSettings, { kind: 'webhook' }>;

/**
 * Posts the message's data as JSON. Any status from 200 to 299 takes it; a redirect is not followed, since the headers'
 * secrets are for one place.
 *
 * @param timeoutSeconds - For the whole exchange; default 10.
 */
export function createWebhookChannel(
  { url, caFile, bearerToken, headers = {} }: WebhookSettings,
  { readSecret, request: requestAnywhere, timeoutSeconds = 10 }: { readonly readSecret: ReadSecret; readonly request: Request; readonly timeoutSeconds?: number },
): Channel {
  return {
    name: `webhook (${isPlain(url) ? new URL(url).host : sourceOf(url)})`,
    async send({ data }, signal) {
      const request = caFile === undefined ? requestAnywhere : createRequest({ fetch: createFetchTrusting(await readAuthority(caFile)) });
      const readText = (reference: SecretReferenceSetting): Promise<string> => readSecretText(reference, readSecret, signal);
      const { status } = await request({
        url: isPlain(url) ? url : await readAddress(url, readText),
        method: 'POST',
        headers: {
          ...Object.fromEntries(await Promise.all(Object.entries(headers).map(async ([name, reference]) => [name, await readText(reference)] as const))),
          ...(bearerToken === undefined ? {} : { authorization: `Bearer ${await readText(bearerToken)}` }),
        },
        body: data,
        timeoutSeconds,
        signal,
      });
      if (status < 200 || status > 299) throw new NotTaken(`answered with status ${status}`);
      return {};
    },
  };
}

function isPlain(url: WebhookSettings['url']): url is string {
  return typeof url === 'string' && /^https?:/.test(url);
}

/** Where an address comes from that is itself a secret. */
function sourceOf(reference: SecretReferenceSetting): string {
  const parsed = parseSecretReference('url', reference);
  switch (parsed.kind) {
    case 'file':
      return parsed.path;
    case 'systemd-credential':
      return `credential ${parsed.credential}`;
    case 'exec':
      return `printed by ${parsed.command[0]}`;
    case 'ask':
      return 'typed';
  }
}

async function readAddress(reference: SecretReferenceSetting, readText: (reference: SecretReferenceSetting) => Promise<string>): Promise<string> {
  const address = await readText(reference);
  if (/^https?:\/\//.test(address) && URL.canParse(address)) return address;
  throw new NotTaken(`can not be asked: ${sourceOf(reference)} does not hold a URL that begins with https:// or http://`);
}

/** A header is a string: that copy of the secret can not be overwritten. */
async function readSecretText(reference: SecretReferenceSetting, readSecret: ReadSecret, signal: AbortSignal): Promise<string> {
  const secret = await readSecret(reference, signal);
  const text = secret.toString();
  secret.fill(0);
  return text;
}
