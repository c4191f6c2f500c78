import type { Config } from '../../config/schema.js';
import { createAuditLog, type AuditLog } from '../../host/audit/auditLog.js';
import { auditPositionPath } from '../../host/audit/auditPosition.js';
import { createSystemJournal } from '../../host/audit/systemJournal.js';
import type { Run } from '../../host/processes/runner.js';
import type { WrapperDependencies } from './wrap.js';

/** What the audit events of a worker are written with. */
export interface AuditSettings {
  readonly run: Run;
  readonly now: () => Date;
  /** Told where the system journal takes no lines. */
  readonly onTrouble?: ((words: string) => void) | undefined;
  /** Told of each event that was written, once it is on the disk. */
  readonly onAudited?: ((event: string) => void) | undefined;
}

/** Writes into the log that lockstep.yaml names. One writer for each path: the chain does not bear two. */
export function createAudit({ run, now, onTrouble = () => undefined, onAudited = () => undefined }: AuditSettings): WrapperDependencies['audit'] {
  const logs = new Map<string, AuditLog>();
  const tell = createSystemJournal({ run, onTrouble });

  function logOf(config: Config): AuditLog {
    const log =
      logs.get(config.auditLog) ?? createAuditLog({ path: config.auditLog, positionPath: auditPositionPath(config), clock: now, tell });
    logs.set(config.auditLog, log);
    return log;
  }

  return async (config, id, event, call, details, who) => {
    const isWritten = await logOf(config).append({ id, event, ...(who ?? { by: call.startedBy }), details: { run: call.workflowId, node: call.node, ...details } });
    if (isWritten) onAudited(event);
  };
}
