import { request } from 'node:http';
import { errorCode } from '../failure.js';

const answerWithinMilliseconds = 10_000;

/**
 * Asks Docker's daemon over its socket. A look at a container is asked for often; the command line
 * takes a second for it on a slow host, the socket a few milliseconds.
 *
 * @param path - Of the Engine API, such as `/containers/db/json`.
 * @returns The body; that it is missing where Docker knows no such thing; undefined where the socket is not
 * there or answers otherwise, so that the command line has to be asked.
 */
export function readDockerSocket(socketPath: string, path: string): Promise<{ readonly body: string } | { readonly missing: true } | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: answerWithinMilliseconds }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve(response.statusCode === 200 ? { body } : response.statusCode === 404 ? { missing: true } : undefined));
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('Docker did not answer within 10 s')));
    asked.on('error', (error) => {
      if (['ENOENT', 'ECONNREFUSED', 'EACCES'].includes(errorCode(error) ?? '')) resolve(undefined);
      else reject(error);
    });
    asked.end();
  });
}
