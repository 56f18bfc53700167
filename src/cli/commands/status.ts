import { Command } from 'commander';
import { commonOptions, type RawOptions, seconds, withConnection, withInventory } from '../input/options.ts';

/** `lvs-play status`: who holds what, who serves, who is drained. */
export function statusCommand(): Command {
  return withConnection(withInventory(new Command('status').description('virtual IPs, real servers, connections, drains; exit code 8 when somebody has to see to something')))
    .option('--watch [time]', 'look again and again, every 2 s or as given', (text: string) => seconds(text))
    .option('--metrics [file]', "Prometheus's text format on stdout, or in a file for node_exporter")
    .option('--drift [playbook]', 'compare hosts with a playbook too, by default that of the last run; asks every host')
    .option('--json', 'one JSON document; with --watch a line each')
    .action(async (raw: RawOptions & { readonly watch?: true | number; readonly metrics?: true | string; readonly drift?: true | string }) => {
      const { status } = await import('../status/status.ts');
      process.exitCode = await status(commonOptions(raw, process.env), { watch: raw.watch === true ? 2 : raw.watch, metrics: raw.metrics === true ? '-' : raw.metrics, drift: raw.drift });
    });
}
