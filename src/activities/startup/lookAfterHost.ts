import type { LoadedConfig } from '../../config/load.js';
import { createRun } from '../../host/processes/runner.js';
import { createHostTools } from '../../host/tools.js';
import { readDeployment, type Deployment } from '../services/deployment.js';
import { keepLeftAlone, readLeftAlone } from './marks.js';
import { readStanding, type ServiceStanding, type Standing } from './standing.js';

/** What a worker needs to look after its host, between runs. */
export interface HostLook {
  readonly readStanding: () => Promise<Standing>;
  /** Keeps that these containers were stopped by hand. @returns Those of which that was not known. */
  readonly keepLeftAlone: (services: readonly ServiceStanding[]) => Promise<readonly ServiceStanding[]>;
}

/**
 * Looks at a host outside of any run: lockstep.yaml is read anew each time, the services' names once, and again where
 * one of them has no container.
 */
export function createHostLook({ loadConfig, signal, now }: { readonly loadConfig: () => Promise<LoadedConfig>; readonly signal: AbortSignal; readonly now: () => Date }): HostLook {
  const tools = createHostTools({ run: createRun({ signal }), signal, controlGroup: undefined, onFailure: () => undefined });
  let known: { readonly digest: string; readonly deployment: Deployment } | undefined;
  return {
    async readStanding() {
      const { config, digest } = await loadConfig();
      const looking = { config, tools, now };
      if (known?.digest !== digest) known = undefined;
      const standing = await readStanding(looking, async () => {
        known ??= { digest, deployment: await readDeployment(looking) };
        return known.deployment;
      });
      if (standing.services.some(({ end }) => end?.id === '')) known = undefined;
      return standing;
    },
    async keepLeftAlone(services) {
      const { config } = await loadConfig();
      const before = await readLeftAlone(config);
      const found = services.flatMap(({ end }) => (end?.at === undefined ? [] : [[end.id, end.at] as const]));
      const fresh = services.filter(({ end }) => end !== undefined && before[end.id] !== (end.at ?? 'never'));
      const never = services.flatMap(({ end }) => (end !== undefined && end.at === undefined ? [[end.id, 'never'] as const] : []));
      if (fresh.length > 0) await keepLeftAlone(config, Object.fromEntries([...found, ...never]));
      return fresh;
    },
  };
}
