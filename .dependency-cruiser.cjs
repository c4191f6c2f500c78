/** The layers of ARCHITECTURE.md: imports go towards the contract only. */
const layer = (name, mayImport) => ({
  name: `${name}-imports-only-upward`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: `^src/(${[name, ...mayImport].join('|')})/` },
});

module.exports = {
  forbidden: [
    layer('contract', []),
    layer('config', ['contract']),
    layer('host', ['contract', 'config']),
    layer('activities', ['contract', 'config', 'host']),
    layer('worker', ['contract', 'config', 'host', 'activities', 'workflows']),
    layer('cli', ['contract', 'config', 'host', 'activities', 'workflows', 'worker', 'rehearsal']),
    layer('rehearsal', ['contract', 'config', 'host', 'activities', 'workflows', 'worker']),
    {
      name: 'contract-is-pure',
      severity: 'error',
      comment: 'Everyone imports the contract, workflows included: no I/O, no node modules.',
      from: { path: '^src/contract/' },
      to: { pathNot: '^(src/contract/|node_modules/zod/)' },
    },
    {
      name: 'workflows-are-pure',
      severity: 'error',
      comment: 'Workflows take activities as types; a value import would drag the host into the isolate.',
      from: { path: '^src/workflows/' },
      to: {
        pathNot: '^(src/workflows/|src/contract/|node_modules/@temporalio/(workflow|common)/|node_modules/zod/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'workflow-types-come-from-activities',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: {
        path: '^src/',
        pathNot: '^src/(workflows|contract|activities)/',
      },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: '(main|bundle)\\.ts$' }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
