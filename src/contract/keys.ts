/** What a key of the volume is for: every start of the server, or the day on which that passphrase is lost (the plan's 5.3). */
export type KeyRole = 'operational' | 'recovery';
