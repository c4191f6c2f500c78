import type { AuditPosition } from './auditLine.js';

/** What a verification comes to. Of several, the first of {@link auditVerdicts} that was found. */
export type AuditVerdict = (typeof auditVerdicts)[number];

/** In the order of their weight; `intact` where nothing else was found. */
export const auditVerdicts = ['not an audit log', 'altered', 'anchor mismatch', 'truncated', 'intact'] as const;

/** Something that is not as it was written. */
export interface AuditFinding {
  readonly kind: Exclude<AuditVerdict, 'intact'>;
  readonly file?: string;
  /** From 1; of a file that breaks off, one behind its last. */
  readonly line?: number;
  /** What is wrong, to be read after file and line. */
  readonly reason: string;
}

/** A numbered line, and when it was written. */
export interface DatedPosition extends AuditPosition {
  readonly at: string;
}
