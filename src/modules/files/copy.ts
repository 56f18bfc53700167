import { LvsPlayError } from '../../core/errors.ts';
import { contentFact } from '../../facts/files/content.ts';
import { argumentWords } from '../commands/argument-words.ts';
import { type Args, defineModule } from '../contract.ts';
import { attributeProperties } from './file-attributes.ts';
import { fileChanges, filePatches, fileRequests, fileStep, type WantedFile } from './write-file.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['dest'],
  properties: {
    src: { type: 'string', minLength: 1, description: "A file on the controller: in the role's files/, else beside the playbook." },
    content: { type: 'string', description: 'The text itself, instead of src.' },
    dest: { type: 'string', pattern: '^/[^]*[^/]$', description: 'Absolute path of the file on the host, its name included. Its directory must exist.' },
    ...attributeProperties,
    validate: { type: 'string', pattern: '%s', description: 'A command that must succeed before the file is put in place; %s is the new file. Split as a shell would, but run without one.' },
  },
} as const;

type CopyArgs = Args<typeof schema>;
/** With the bytes in hand. */
interface Resolved extends CopyArgs {
  readonly bytes: Uint8Array;
}

export default defineModule<CopyArgs, Resolved>({
  name: 'copy',
  summary: 'Put a file or a text on the host: whole or not at all',
  schema,
  notState: ['src', 'validate'],
  examples: [
    { name: 'A text', args: { dest: '/etc/motd', content: 'Ask before you reboot.\n', mode: '0644' } },
    { name: 'A file, checked first', args: { dest: '/etc/sudoers.d/ops', src: 'ops', mode: '0440', owner: 'root', group: 'root', validate: 'visudo -cf %s' } },
  ],
  resolve: async (args, files) => {
    if ((args.src === undefined) === (args.content === undefined)) {
      throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: 'copy takes either src or content', hint: 'give one of the two' });
    }
    return { ...args, bytes: args.src === undefined ? Buffer.from(args.content ?? '') : (await files.read(args.src, 'files')).content };
  },
  facts: (args) => {
    checkOf('copy', args.validate);
    return fileRequests(args.dest);
  },
  diff: (args, facts) => fileChanges(wantedOf(args), facts),
  apply: (args, changes) => (changes.length === 0 ? [] : [fileStep(wantedOf(args), `write ${args.dest}`, checkOf('copy', args.validate))]),
  after: (args, _changes, facts) => filePatches(wantedOf(args), facts.get(contentFact, args.dest).state === 'absent'),
});

function wantedOf(args: Resolved): WantedFile {
  return { path: args.dest, content: args.bytes, mode: args.mode, owner: args.owner, group: args.group };
}

/** `validate` as the check of a `put`. @throws LvsPlayError `bad-argument` when a quote is not closed */
export function checkOf(module: string, validate: string | undefined): string[] | undefined {
  if (validate === undefined) return undefined;
  return argumentWords(module, validate, 'close the quote in validate').map((word) => word.replaceAll('%s', '{}'));
}
