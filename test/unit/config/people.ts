/** Everyone whom the plan's 5.1 and 5.3 name, without real names. */
export const completePeople = {
  keyHolders: [
    { name: 'first', role: 'Primary Admin', operational: true, recovery: true, mfa: true, login: 'admin', phone: '+49 1', timeZone: 'Europe/Berlin' },
    { name: 'second', role: 'Backup Admin', operational: true, recovery: true, mfa: true, email: 'second@example.com' },
    { name: 'third', role: 'Emergency Contact', recovery: true, mfa: true, phone: '+1 3', timeZone: 'America/New_York' },
  ],
  emergencyContacts: [
    { name: 'third', phone: '+1 3', timeZone: 'America/New_York', note: 'has the key of the safe' },
    { name: 'fifth', phone: '+81 5', timeZone: 'Asia/Tokyo' },
  ],
  places: {
    operational: '1Password vault "SuperSync Production", entry "SuperSync LUKS Operational Key"',
    recovery: 'physical safe on the second floor, sealed envelope',
    recoveryCopy: 'bank safe deposit box',
    backup: '1Password "SuperSync Backups"',
  },
};
