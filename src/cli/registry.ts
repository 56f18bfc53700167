import type { Command } from 'commander';

export interface CommandEntry {
  readonly name: string;
  readonly alias?: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Only the command that is called is loaded; the others are known by their summaries. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'deploy', summary: 'carry out a playbook', load: async () => (await import('./commands/deploy.ts')).deployCommand() },
  { name: 'plan', summary: 'what a deploy would change, with every difference; changes nothing', load: async () => (await import('./commands/plan.ts')).planCommand() },
  { name: 'apply', summary: 'carry out a saved plan, if nothing has changed since', load: async () => (await import('./commands/apply.ts')).applyCommand() },
  { name: 'show', summary: 'what a saved plan says', load: async () => (await import('./commands/show.ts')).showCommand() },
  { name: 'drift', summary: 'who diverged from the playbook, on which layer, since when', load: async () => (await import('./commands/drift.ts')).driftCommand() },
  { name: 'status', summary: 'who holds the virtual IPs, who serves, who is drained', load: async () => (await import('./commands/status.ts')).statusCommand() },
  { name: 'verify', summary: 'prove from outside that the virtual services work', load: async () => (await import('./commands/verify.ts')).verifyCommand() },
  { name: 'drain', summary: 'take real servers out of service without cutting a connection', load: async () => (await import('./commands/drain.ts')).drainCommand() },
  { name: 'restore', summary: 'give drained real servers their weight back, step by step', load: async () => (await import('./commands/drain.ts')).restoreCommand() },
  { name: 'maintain', summary: 'drain, work on and restore real servers, batch after batch', load: async () => (await import('./commands/maintain.ts')).maintainCommand() },
  { name: 'failover', summary: "move a pair's virtual IPs to another director, and measure what it costs", load: async () => (await import('./commands/failover.ts')).failoverCommand() },
  { name: 'failback', summary: 'end a failover: the virtual IPs go back', load: async () => (await import('./commands/failover.ts')).failbackCommand() },
  { name: 'explain', summary: "a packet's way through a virtual service, and what each hop needs", load: async () => (await import('./commands/explain.ts')).explainCommand() },
  { name: 'import', summary: 'make an inventory of keepalived.conf, ipvsadm -Sn, scripts, or of live hosts', load: async () => (await import('./commands/import.ts')).importCommand() },
  { name: 'lint', summary: 'find what is wrong with a cluster before clients do', load: async () => (await import('./commands/lint.ts')).lintCommand() },
  { name: 'inventory', summary: 'show hosts, groups and variables', load: async () => (await import('./commands/inventory.ts')).inventoryCommand() },
  { name: 'module', alias: 'modules', summary: 'list the modules, or show the arguments of one', load: async () => (await import('./commands/module.ts')).moduleCommand() },
  { name: 'resume', summary: 'go on with a run that was killed, interrupted or failed', load: async () => (await import('./commands/resume.ts')).resumeCommand() },
  { name: 'rollback', summary: 'bring back what an earlier run changed', load: async () => (await import('./commands/rollback.ts')).rollbackCommand() },
  { name: 'confirm', summary: 'keep what a run with --confirm-within changed', load: async () => (await import('./commands/confirm.ts')).confirmCommand() },
  { name: 'history', summary: 'the runs made from here; show RUN: what one was and did', load: async () => (await import('./commands/history.ts')).historyCommand() },
  { name: 'lock', summary: 'see, take and release the locks that keep runs apart', load: async () => (await import('./commands/lock.ts')).lockCommand() },
  { name: 'pulse', summary: 'ask every virtual service again and again, and say what was lost', load: async () => (await import('./commands/pulse.ts')).pulseCommand() },
  { name: 'rehearse', summary: 'a deploy and the faults that may follow, on a replica of the inventory', load: async () => (await import('./commands/rehearse.ts')).rehearseCommand() },
  { name: 'lab', summary: 'boot a replica of an inventory on this machine, on real kernels', load: async () => (await import('./commands/lab.ts')).labCommand() },
];
