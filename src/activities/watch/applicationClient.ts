import { z } from 'zod';
import { PermanentFailure } from '../../contract/errors.js';
import { readJson, type HttpResponse } from '../../host/http.js';
import type { Attempt } from '../activity.js';

const loginSchema = z.object({ token: z.string() });
const uploadSchema = z.object({ latestSeq: z.number() });

/** The place of the newest operation after an upload; 0 where the application does not tell. */
export function latestSequence(uploaded: HttpResponse): number {
  const parsed = uploadSchema.safeParse(readJson(uploaded));
  return parsed.success ? parsed.data.latestSeq : 0;
}

/** The application's endpoints as the plan names them, called as the configured test account. */
export async function logIn(attempt: Attempt) {
  const { config, tools } = attempt;
  const { baseUrl, loginPath, operationsPath, snapshotPath, restorePath } = config.deployment.application;
  const account = config.verification.testAccount;
  if (!account) throw new PermanentFailure('no verification.testAccount is configured', 'name one in lockstep.yaml, or skip this step');
  const password = await attempt.secret('testAccountPassword', `the password of the test account ${account.email}`);
  const login = await tools.request({
    url: baseUrl + loginPath,
    method: 'POST',
    body: { email: account.email, password: password.toString('utf8') },
    signal: attempt.signal,
  });
  if (login.status !== 200) throw new PermanentFailure(`the test account ${account.email} cannot log in (status ${login.status})`, 'check verification.testAccount in lockstep.yaml, then retry');
  const { token } = loginSchema.parse(readJson(login));
  const call = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) =>
    tools.request({
      url: baseUrl + path,
      method,
      headers: { authorization: `Bearer ${token}` },
      signal: attempt.signal,
      ...(body === undefined ? {} : { body }),
    });
  return {
    upload: (id: string): Promise<HttpResponse> => call('POST', operationsPath, testOperation(id)),
    remove: (id: string): Promise<HttpResponse> => call('DELETE', `${operationsPath}/${encodeURIComponent(id)}`),
    download: (sinceSeq: number): Promise<HttpResponse> => call('GET', `${operationsPath}?sinceSeq=${sinceSeq}&limit=1000`),
    snapshot: (): Promise<HttpResponse> => call('GET', snapshotPath),
    restorePoint: (): Promise<HttpResponse> => call('POST', restorePath, {}),
  };
}


/** A harmless operation of the test account, removed again by the step that sent it. */
function testOperation(id: string) {
  return {
    clientId: 'lockstep-verification',
    ops: [
      {
        id,
        opType: 'CRT',
        entityType: 'TASK',
        entityId: id,
        payload: { title: 'verification of a migration to encrypted storage' },
        clientTimestamp: Date.now(),
      },
    ],
  };
}
