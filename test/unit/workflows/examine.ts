import { type Node, partsOf, type Runbook, type Step, type View } from '../../../src/workflows/engine/nodes.js';

/** What a node's own code touches when it runs. */
export interface Examined {
  readonly id: string;
  readonly plan: string;
  readonly title: string;
  /** The step, where it is one. */
  readonly step?: Step<unknown, unknown>;
  /** Activities that it calls, and those of its undo. */
  readonly does: readonly string[];
  readonly undoes: readonly string[];
  /** Ids of the steps whose results it reads. */
  readonly reads: readonly string[];
}

/** Calls every closure of a runbook's nodes, in order, with recorders in place of activities and results. */
export async function examineRunbook<Acts>(runbook: Runbook<Acts>): Promise<readonly Examined[]> {
  const nodes = [...runbook.sections.flatMap((section) => section.nodes), ...runbook.afterRollback];
  const shown = nodes.flatMap((node): readonly Node<Acts>[] => [...new Set<Node<Acts>>([node, ...partsOf(node)])]);
  return Promise.all(shown.map((node) => examineNode(node)));
}

/** The ids that a runbook's summary reads, where the given steps have ended. */
export function readsOfSummary<Acts>(runbook: Runbook<Acts>, has: (id: string) => boolean): readonly string[] {
  const { view, reads } = createRecordingView();
  runbook.summary(view, ({ id }) => has(id));
  return reads;
}

async function examineNode<Acts>(node: Node<Acts>): Promise<Examined> {
  const { view, reads } = createRecordingView();
  const does: string[] = [];
  const undoes: string[] = [];
  node.when?.holds(view);
  node.onlyIf?.holds(view);
  if (node.kind === 'step') {
    node.show?.(whatever());
    await node.do(recordingActs(does), view);
    await node.undo?.do(recordingActs(undoes));
  }
  if (node.kind === 'question') node.evidence?.(view);
  if (node.kind === 'wait') node.until(view);
  if (node.kind === 'child') node.input(view);
  const { id, plan, title } = node;
  return { id, plan, title, does, undoes, reads, ...(node.kind === 'step' ? { step: node as Step<unknown, unknown> } : {}) };
}

function createRecordingView(): { view: View; reads: string[] } {
  const reads: string[] = [];
  const view: View = {
    from: (step) => {
      reads.push(step.id);
      return whatever();
    },
    input: { host: 'host', startedBy: 'ann', takeOver: false, resume: false },
    settings: { filesystemCopy: true, testAccount: true, firstHourSeconds: 3600, daySeconds: 86_400 },
  };
  return { view, reads };
}

function recordingActs<Acts>(called: string[]): Acts {
  return new Proxy(
    {},
    {
      get: (_, name) => () => {
        called.push(String(name));
        return Promise.resolve(whatever());
      },
    },
  ) as Acts;
}

/** Stands for any result: every property, call and figure of it is there. */
function whatever<R>(): R {
  const stand: unknown = new Proxy(() => undefined, {
    get: (_, name) => {
      if (name === Symbol.toPrimitive) return () => 1;
      if (name === Symbol.iterator) return [][Symbol.iterator];
      // Otherwise a promise of it would wait for itself.
      return name === 'then' ? undefined : stand;
    },
    apply: () => stand,
  });
  return stand as R;
}
