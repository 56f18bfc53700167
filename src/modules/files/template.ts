import { contentFact } from '../../facts/files/content.ts';
import { type Args, defineModule } from '../contract.ts';
import { checkOf } from './copy.ts';
import { attributeProperties } from './file-attributes.ts';
import { fileChanges, filePatches, fileRequests, fileStep, type WantedFile } from './write-file.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['src', 'dest'],
  properties: {
    src: { type: 'string', minLength: 1, description: "A Jinja template on the controller: in the role's templates/, else beside the playbook." },
    dest: { type: 'string', pattern: '^/[^]*[^/]$', description: 'Absolute path of the file on the host, its name included. Its directory must exist.' },
    ...attributeProperties,
    validate: { type: 'string', pattern: '%s', description: 'A command that must succeed before the file is put in place; %s is the new file. Split as a shell would, but run without one.' },
  },
} as const;

type TemplateArgs = Args<typeof schema>;
interface Resolved extends TemplateArgs {
  readonly text: string;
}

export default defineModule<TemplateArgs, Resolved>({
  name: 'template',
  summary: 'Render a Jinja template on the controller and put it on the host',
  schema,
  notState: ['src', 'validate'],
  examples: [{ name: 'A page', args: { src: 'index.html.j2', dest: '/var/www/html/index.html', mode: '0644', owner: 'root', group: 'root' } }],
  resolve: async (args, files) => {
    const { path, content } = await files.read(args.src, 'templates');
    return { ...args, text: files.render(Buffer.from(content).toString('utf8'), path) };
  },
  facts: (args) => {
    checkOf('template', args.validate);
    return fileRequests(args.dest);
  },
  diff: (args, facts) => fileChanges(wantedOf(args), facts),
  apply: (args, changes) => (changes.length === 0 ? [] : [fileStep(wantedOf(args), `write ${args.dest}`, checkOf('template', args.validate))]),
  after: (args, _changes, facts) => filePatches(wantedOf(args), facts.get(contentFact, args.dest).state === 'absent'),
});

function wantedOf(args: Resolved): WantedFile {
  return { path: args.dest, content: Buffer.from(args.text), mode: args.mode, owner: args.owner, group: args.group };
}
