import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commonOptions, requireInventory, withPlaybook, type CommonOptions, type RawOptions } from '../../../src/cli/input/options.ts';

function parse(args: readonly string[], env: Readonly<Record<string, string>> = {}): CommonOptions {
  const command = withPlaybook(new Command('deploy')).exitOverride().configureOutput({ writeErr: () => undefined });
  command.parse(['site.yml', ...args], { from: 'user' });
  return commonOptions(command.opts<RawOptions>(), env);
}

describe('options', () => {
  it('have their defaults', () => {
    expect(parse([])).toEqual({
      inventories: [],
      limit: [],
      tags: [],
      skipTags: [],
      extraVars: [],
      forks: 10,
      user: undefined,
      become: false,
      becomeUser: undefined,
      askBecomePass: false,
      askPass: false,
      privateKey: undefined,
      vaultPasswordFiles: [],
      verbose: 0,
      check: false,
      diff: false,
      listHosts: false,
      listTasks: false,
      syntaxCheck: false,
      startAtTask: undefined,
      json: false,
      events: undefined,
      stats: false,
      detailedExitcode: false,
      reason: undefined,
      confirmWithin: undefined,
      confirmByHand: false,
      allow: [],
    });
  });

  it.each([
    [['-i', 'a', '-i', 'b,c'], { inventories: ['a', 'b,c'] }],
    [['-t', 'a,b', '--tags', 'c', '--skip-tags', 'd, e'], { tags: ['a', 'b', 'c'], skipTags: ['d', 'e'] }],
    [['-e', 'a=1', '-e', '@f.yml'], { extraVars: ['a=1', '@f.yml'] }],
    [['-vvv'], { verbose: 3 }],
    [['-v', '--verbose'], { verbose: 2 }],
    [['-bK', '-k', '-u', 'ops', '-f', '3', '-l', 'web:&up'], { become: true, askBecomePass: true, askPass: true, user: 'ops', forks: 3, limit: ['web:&up'] }],
    [['--events', '-', '--stats', '--start-at-task', 'x y'], { events: '-', stats: true, startAtTask: 'x y' }],
  ])('%j', (args, expected) => {
    expect(parse(args)).toMatchObject(expected);
  });

  it.each([[['-f', '0']], [['-f', 'many']], [['--events', 'f', '--json']], [['--limitt', 'x']]])('%j is refused', (args) => {
    expect(() => parse(args)).toThrow();
  });

  it('take the inventory from the environment when there is none', () => {
    expect(parse([], { LVS_PLAY_INVENTORY: 'a, b' }).inventories).toEqual(['a', 'b']);
    expect(parse(['-i', 'c'], { LVS_PLAY_INVENTORY: 'a' }).inventories).toEqual(['c']);
    expect(() => {
      requireInventory(parse([]));
    }).toThrow(/-i/);
  });
});
