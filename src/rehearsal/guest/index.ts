export { bootGuest } from './bootGuest.js';
export type { Commands, ExecOptions, ExecResult, GuestProcess, SpawnOptions } from './commands.js';
export { diskOf, type Guest, type GuestImage, type GuestSettings } from './guest.js';
export { type ImageProgress, type ImageSettings, prepareImage } from './image/prepareImage.js';
export { guestAddress, machineAddress } from './network.js';
export { readProcessIdentity } from './processIdentity.js';
export { projectRoot } from './projectFiles.js';
export { copySparse, holdStill } from './stillness.js';
