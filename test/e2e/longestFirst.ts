import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** End-to-end files that take longest, in that order: begun last, one of them would keep one processor busy alone. */
const longest = ['keyCrashes', 'crashes', 'incident', 'carryOver', 'rotateKey', 'emergencyFirst', 'startup', 'setupVolume', 'procedures', 'stuck', 'noGo', 'faults', 'migrate', 'lostMinds', 'restoreBackup', 'decommission'].map((name) => `${name}.test.ts`);

/** Everything in Vitest's own order, but for those. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = longest.indexOf(basename(moduleId));
      return index < 0 ? longest.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
