import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import type { InputFiles } from '../../core/inputs.ts';
import type { ControllerFiles } from '../../modules/contract.ts';
import type { Task } from '../../playbook/types.ts';
import type { Scope, TemplateEngine } from '../../template/types.ts';

/** The files of a task, noted as they are read: in its role's `files/` or `templates/`, then beside the playbook, as Ansible looks for them. */
export function controllerFiles(task: Task, scope: Scope, engine: TemplateEngine, inputs: InputFiles): ControllerFiles {
  return {
    read: async (name, kind) => {
      const places = path.isAbsolute(name)
        ? [name]
        : [task.roleDir, task.baseDir].filter((dir) => dir !== undefined).flatMap((dir) => [path.join(dir, kind, name), path.join(dir, name)]);
      for (const place of places) {
        try {
          return { path: place, content: await inputs.read(place) };
        } catch (error) {
          if (!isMissing(error)) throw unreadable(place, task, error);
        }
      }
      throw new LvsPlayError({
        code: 'no-such-file',
        kind: 'input',
        message: `${name} was not found on the controller`,
        position: task.args.locate(['src']) ?? task.position,
        hint: `looked at ${places.join(', ')}`,
      });
    },
    render: (text, file) => engine.renderText(text, scope, file),
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function unreadable(place: string, task: Task, cause: unknown): LvsPlayError {
  return new LvsPlayError({
    code: 'unreadable-file',
    kind: 'input',
    message: `${place} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    position: task.args.locate(['src']) ?? task.position,
    cause,
  });
}
