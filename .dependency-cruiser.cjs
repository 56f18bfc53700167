// The import rules of docs/architecture.md: what decides is pure and stands below, what touches a machine stands apart.

/** Folders of src that `from` may import beside itself; everything else of ours is forbidden. */
function only(from, allowed) {
  return {
    name: `${from}-imports-only-what-it-may`,
    severity: 'error',
    comment: `${from} may import ${[from, ...allowed].join(', ')}`,
    from: { path: `^src/${from}/` },
    to: { path: '^src/', pathNot: [from, ...allowed].map((folder) => (folder.endsWith('.ts') ? `^src/${folder.replaceAll('.', '\\.')}$` : `^src/${folder}/`)) },
  };
}

const TARGET = 'transport/target.ts';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    only('core', []),
    only('yaml', ['core']),
    only('template', ['core']),
    only('lvs', ['core']),
    // What hosts answered when they were looked at, and who did not.
    only('observe', ['core', TARGET]),
    // lvs knows the text of IPVS tables, and nothing of facts.
    only('facts', ['lvs', 'core']),
    only('modules', ['facts', 'lvs', 'template', 'core']),
    only('inventory', ['yaml', 'core']),
    only('playbook', ['yaml', 'core']),
    only('transport', ['core']),
    only('plan', ['impact/types.ts', 'modules', 'facts', 'lvs', 'template', 'playbook', 'inventory', 'core', TARGET]),
    only('apply', ['observe', 'impact', 'plan', 'modules', 'facts', 'lvs', 'template', 'playbook', 'inventory', 'core', TARGET]),
    // Pure: what a plan costs, and what is too much of it.
    only('impact', ['plan/types.ts', 'plan/sessions.ts', 'facts', 'lvs', 'core']),
    only('verify', ['observe', 'plan', 'modules', 'facts', 'lvs', 'template', 'playbook', 'inventory', 'core', TARGET]),
    // Clients that go on asking while something is done.
    only('pulse', ['verify/types.ts', 'verify/controller-vantage.ts', 'lvs/change/timeline.ts', 'core']),
    // A report as documents that outlive it.
    only('evidence', ['verify/types.ts', 'verify/report.ts', 'pulse/types.ts', 'lvs/model/topology.ts', 'core']),
    // A replica of an inventory, and faults tried on it: what is decided is pure; the command line hands it its own commands.
    only('rehearse', ['lab', 'pulse', 'inventory', 'lvs', 'core']),
    only('undo', ['observe', 'apply', 'plan', 'modules', 'facts', 'lvs', 'playbook', 'core', TARGET]),
    // Whoever carries its runs out is handed in.
    only('drain', ['observe', 'plan/session.ts', 'facts', 'lvs', 'core', TARGET]),
    only('failover', ['observe', 'drain', 'apply/pair/director.ts', 'apply/pair/watch.ts', 'plan/session.ts', 'pulse', 'verify/judge/requests.ts', 'facts', 'lvs', 'core', TARGET]),
    only('maintain', ['observe', 'drain', 'failover', 'lvs', 'core']),
    only('status', ['observe', 'plan/session.ts', 'facts', 'lvs', 'core', TARGET]),
    // A plan read as a report of differences, with what the journal knows of them.
    only('drift', ['journal', 'plan', 'facts', 'core', TARGET]),
    only('explain', ['observe', 'lvs', 'core']),
    // It reads scripts and firewalls as an import does.
    only('lint', ['observe', 'import/firewall', 'import/shell', 'plan', 'modules', 'facts', 'lvs', 'template', 'playbook', 'inventory', 'core']),
    only('import', ['lvs', 'core']),
    only('report', ['observe', 'core', 'rehearse/types.ts', 'rehearse/drills/types.ts', 'rehearse/sample/types.ts', 'plan/types.ts', 'impact/types.ts', 'impact/words.ts', 'plan/saved/types.ts', 'drift/types.ts', 'status/status.ts']),
    only('lab', ['inventory', 'core']),
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'A cycle has no bottom to start reading from; a type-only one is harmless at run time but still hides the order.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-package-in-src',
      severity: 'error',
      comment: 'Types vanish when it is built; anything else would be missing where lvs-play is installed.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: ['node_modules/@types/'] },
    },
    {
      name: 'no-test-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    // Type-only imports count too: a rule that types may break is no rule.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
