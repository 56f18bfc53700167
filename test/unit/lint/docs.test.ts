import { expect, it } from 'vitest';
import { CATALOGUE } from '../../../src/lint/catalogue.ts';
import type { RuleGroup } from '../../../src/lint/types.ts';

const HEAD = `# What lint reports

Made from the rules themselves by \`npm run docs:lint\`; a test fails when it differs. \`lvs-play lint --explain ID\` says why, from where this is known, and
shows a bad and a good example.
`;

function section({ title, rules }: RuleGroup): string {
  return `\n## ${title}\n\n| rule | severity | what is wrong |\n| --- | --- | --- |\n${rules.map(({ id, severity, summary }) => `| \`${id}\` | ${severity} | ${summary.replaceAll('|', '\\|')} |\n`).join('')}`;
}

it('docs/lint-rules.md lists every rule; npm run docs:lint writes it anew', async () => {
  await expect(`${HEAD}${CATALOGUE.map(section).join('')}`).toMatchFileSnapshot('../../../docs/lint-rules.md');
});

it('every id stands for one thing, whatever it looks at', () => {
  const ids = CATALOGUE.flatMap(({ rules }) => rules.map(({ id }) => id));
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  for (const id of ids) expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
});
