import { formatMinute } from './facts.js';

/** What Lockstep knows for a notification; everything else only people know, and has a blank. */
export interface BreachFacts {
  /** The name under which users know the service. */
  readonly application: string;
  readonly host: string;
  /** ISO time at which the controller became aware: the 72 hours count from then. */
  readonly awareAt: string;
  /** ISO time by which the authority has to be notified. */
  readonly notifyBy: string;
  /** Where users find news; a URL or a contact. */
  readonly statusPage: string;
}

/** The notification of the supervisory authority, as a draft: GDPR Art. 33(3) (a) to (d), and Art. 33(1) on a delay. */
export function draftAuthorityNotification({ application, host, awareAt, notifyBy }: BreachFacts): string {
  return paragraphs(
    '# Notification of a personal data breach (GDPR Art. 33)',
    `DRAFT. Fill in what stands in brackets; send it by ${formatMinute(notifyBy)}, 72 hours after the controller became aware. What is not known yet may follow in phases (Art. 33(4)).`,
    lines('To: [supervisory authority]', 'From: [controller: name, address]', `Service: ${application} (host ${host})`, `Became aware: ${formatMinute(awareAt)} [if earlier, say so: the time counts from then]`),
    lines('## (a) Nature of the breach', 'A passphrase of the encrypted volume that holds the database may be known to others.', 'What happened, and when: [ ]', 'Categories of data subjects, and how many, approximately: [ ]', 'Categories of data records, and how many, approximately: [ ]'),
    lines('## (b) Contact', 'Data protection officer, or another contact point: [name, e-mail, telephone]'),
    lines('## (c) Likely consequences', '[ ]'),
    lines('## (d) Measures taken or proposed', '- Keys of the volume rotated: [when; see the report]', '- Passwords of the server and the password manager changed: [when]', '- To mitigate adverse effects: [ ]'),
    lines(`## Reasons for a delay (Art. 33(1)), where this is sent after ${formatMinute(notifyBy)}`, '[ ]'),
  );
}

/** What users are told, as a draft: GDPR Art. 34(2), in clear and plain language. */
export function draftUserNotification({ application, awareAt, statusPage }: BreachFacts): string {
  return paragraphs(
    `# ${application}: about the security of your data`,
    'DRAFT (GDPR Art. 34). Fill in what stands in brackets, and take this line out.',
    `On ${awareAt.slice(0, 10)} we learned that a passphrase which protects the storage of ${application} may be known to others.`,
    lines('What happened: [in plain words]', 'Which of your data it concerns: [ ]'),
    'What this may mean for you: [likely consequences]',
    lines('What we have done: the keys of the storage were replaced. [further measures]', 'What you can do: [ ]'),
    lines('Who answers your questions: [name, e-mail, telephone]', `News: ${statusPage}`),
  );
}

function lines(...texts: readonly string[]): string {
  return texts.join('\n');
}

function paragraphs(...texts: readonly string[]): string {
  return `${texts.join('\n\n')}\n`;
}
