import { ActivityNotFoundError, isGrpcServiceError } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';

/** gRPC's codes; the names are its own (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const codes = { cancelled: 1, deadlineExceeded: 4, notFound: 5, failedPrecondition: 9, unavailable: 14 } as const;

/** The server answered that it knows no such run or attempt. */
export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || error instanceof ActivityNotFoundError || codeOf(error) === codes.notFound;
}

/** Nobody answered: the server is away, or no worker took the query in time. */
export function isNoAnswer(error: unknown): boolean {
  const code = codeOf(error);
  return code === codes.unavailable || code === codes.deadlineExceeded || code === codes.cancelled;
}

/** The server has no worker to hand a query to. */
export function isNoWorker(error: unknown): boolean {
  return codeOf(error) === codes.failedPrecondition;
}

/** For what a signal was meant to end: rethrows anything else. */
export function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}

/** The SDK wraps gRPC's error once or twice. */
function codeOf(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (isGrpcServiceError(at)) return at.code;
  }
  return undefined;
}
