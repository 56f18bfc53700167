import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shellQuote } from '../../src/core/text/quote.ts';
import { REFUSED, readSample, SAMPLE_NAMES, sampleVariants } from '../unit/lvs/keepalived/conf/samples.ts';
import { TestLab } from './support.ts';

/** Samples about what only a director's kernel lets keepalived run: virtual servers, and BFD with them. */
const names = SAMPLE_NAMES.filter((name) => !(name in REFUSED) && readSample(name).includes('virtual_server'));

let lab: TestLab;
let dumps: ReadonlyMap<string, string>;

/**
 * Starts keepalived's checkers (and BFD) with a file, in a network of its own, which has an IPVS table of its own, too, until all have told what they have read;
 * they end with their namespace.
 */
const DUMP = `
  keepalived -n -l -d -C -f "$PWD/$1" -p "$PWD/run.p" -c "$PWD/run.c" -b "$PWD/run.b" >"$1.out" 2>&1 &
  last='Activating BFD'; if grep -q bfd_instance "$1"; then last='send event to checker'; fi
  i=0; while [ $i -lt 100 ] && ! { grep -q "$last" "$1.out" && grep -q 'Activating BFD' "$1.out"; }; do i=$((i + 1)); sleep 0.1; done
`;

beforeAll(async () => {
  lab = await TestLab.installed('meaning', 'test/lab/fixtures/keepalived-meaning.yml');
  await lab.sh('lvs1', 'apt-get install -y -q --no-install-recommends keepalived');
  const files = names.flatMap((name) => Object.entries(sampleVariants(name, 'lvs1')).map(([variant, text]) => ({ file: `${name}.${variant}`, text }))).filter(({ file }) => !file.endsWith('.printed'));
  const ship = files.map(({ file, text }) => `printf %s ${shellQuote(text)} >${shellQuote(file)}`).join('\n');
  const output = await lab.sh('lvs1', `mkdir -p /tmp/samples && cd /tmp/samples
    modprobe ip_vs
    ${ship}
    for f in ${files.map(({ file }) => shellQuote(file)).join(' ')}; do
      rm -f run.*
      unshare -npf --kill-child sh -c ${shellQuote(DUMP)} sh "$f" 2>/dev/null
      echo "FILE $f"
      cat "$f.out"
    done`);
  dumps = new Map(output.split(/^FILE /m).slice(1).map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]));
});

afterAll(async () => {
  await lab.down();
});

/** What was read: lines of a dump begin with a blank or a rule; events, which do not, come as they may. In its order but for BFD, whose process writes at the same time. */
function meaning(dump: string | undefined, mixed: boolean): readonly string[] {
  const lines = (dump ?? '')
    .split('\n')
    .map((line) => line.replace(/^\w{3} \w{3} +\d+ [\d:]+ \d{4}: ?/, ''))
    .filter((line) => /^( |-{4,})/.test(line) && !/^ {10,}'|discriminator|jitter/i.test(line));
  return mixed ? lines.sort() : lines;
}

describe.each(names)('%s', (name) => {
  it('a running keepalived has read the same of it as written and as printed with everything resolved', () => {
    const mixed = readSample(name).includes('bfd_instance');
    const written = meaning(dumps.get(`${name}.written`), mixed);
    expect(written.join('\n')).toMatch(/-< Virtual server >-/);
    expect(written.filter((line) => line.includes('BFD Topology'))).toHaveLength(mixed ? 1 : 0);
    expect(meaning(dumps.get(`${name}.resolved`), mixed)).toEqual(written);
  });
});
