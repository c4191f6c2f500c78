/** What the script holds; each is loaded when it is called, and runs by being loaded. */
export const command = () => import('../../dist/cli/main.js');
export const faultyWorker = () => import('../../dist/rehearsal/faultPoints/faultyWorker.main.js');

/** Loads what they load at every start, and runs nothing. */
export async function prepare() {
  process.argv = [process.execPath, 'lockstep', '--version'];
  await command();
  await import('../../dist/worker/serveHost.js');
}
