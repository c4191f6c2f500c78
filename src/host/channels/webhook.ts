import type { ChannelSettings } from '../../config/alertsSchema.js';
import type { Request } from '../http.js';
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
  { url, bearerToken, headers = {} }: WebhookSettings,
  { readSecret, request, timeoutSeconds = 10 }: { readonly readSecret: ReadSecret; readonly request: Request; readonly timeoutSeconds?: number },
): Channel {
  return {
    name: `webhook (${url.startsWith('file:') ? url.slice('file:'.length) : new URL(url).host})`,
    async send({ data }, signal) {
      const { status } = await request({
        url: await readAddress(url, readSecret),
        method: 'POST',
        headers: {
          ...Object.fromEntries(await Promise.all(Object.entries(headers).map(async ([name, reference]) => [name, await readText(reference, readSecret)] as const))),
          ...(bearerToken === undefined ? {} : { authorization: `Bearer ${await readText(bearerToken, readSecret)}` }),
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

async function readAddress(url: string, readSecret: ReadSecret): Promise<string> {
  if (!url.startsWith('file:')) return url;
  const address = await readText(url, readSecret);
  if (/^https?:\/\//.test(address) && URL.canParse(address)) return address;
  throw new NotTaken(`can not be asked: ${url.slice('file:'.length)} does not hold a URL that begins with https:// or http://`);
}

/** A header is a string: that copy of the secret can not be overwritten. */
async function readText(reference: string, readSecret: ReadSecret): Promise<string> {
  const secret = await readSecret(reference);
  const text = secret.toString();
  secret.fill(0);
  return text;
}
