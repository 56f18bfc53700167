import { describe, expect, it } from 'vitest';
import { hostConnection } from '../../../src/transport/connection.ts';

describe('hostConnection', () => {
  it('has defaults', () => {
    expect(hostConnection('rs1', {})).toEqual({
      host: 'rs1',
      type: 'ssh',
      address: 'rs1',
      port: undefined,
      user: undefined,
      privateKeyFile: undefined,
      password: undefined,
      sshArgs: [],
      become: { method: 'sudo', user: 'root', password: undefined },
      shell: '/bin/sh',
      connectTimeoutMs: 10_000,
      commandTimeoutMs: 300_000,
    });
  });

  it('takes the command line where the variables are silent', () => {
    expect(hostConnection('rs1', {}, { user: 'u', privateKeyFile: 'k', password: 'p', becomeUser: 'b', becomePassword: 'q', connectTimeoutMs: 1, commandTimeoutMs: 2 })).toMatchObject({
      user: 'u',
      privateKeyFile: 'k',
      password: 'p',
      become: { user: 'b', password: 'q' },
      connectTimeoutMs: 1,
      commandTimeoutMs: 2,
    });
  });

  it.each([
    [{ ansible_host: '192.0.2.1' }, { address: '192.0.2.1' }],
    [{ ansible_host: '2001:db8::1' }, { address: '2001:db8::1' }],
    [{ ansible_port: 2222 }, { port: 2222 }],
    [{ ansible_port: '2222' }, { port: 2222 }],
    [{ ansible_user: 'admin' }, { user: 'admin' }],
    [{ ansible_user: 'admin@example.com' }, { user: 'admin@example.com' }],
    [{ ansible_ssh_private_key_file: '~/a', ansible_private_key_file: '~/b' }, { privateKeyFile: '~/a' }],
    [{ ansible_private_key_file: '~/b' }, { privateKeyFile: '~/b' }],
    [{ ansible_password: 'x' }, { password: 'x' }],
    [{ ansible_ssh_pass: 12345 }, { password: '12345' }],
    [{ ansible_ssh_common_args: '-o A=b', ansible_ssh_extra_args: '-J "a b"' }, { sshArgs: ['-o', 'A=b', '-J', 'a b'] }],
    [{ ansible_ssh_common_args: '' }, { sshArgs: [] }],
    [{ ansible_become_user: 'www' }, { become: { method: 'sudo', user: 'www', password: undefined } }],
    [{ ansible_become_pass: 'y' }, { become: { method: 'sudo', user: 'root', password: 'y' } }],
    [{ ansible_become_password: 'x', ansible_become_pass: 'y' }, { become: { method: 'sudo', user: 'root', password: 'x' } }],
    [{ ansible_shell_executable: '/bin/dash' }, { shell: '/bin/dash' }],
    [{ ansible_connection: 'local' }, { type: 'local' }],
    [{ ansible_connection: 'smart' }, { type: 'ssh' }],
    [{ ansible_connection: 'paramiko' }, { type: 'ssh' }],
    [{ ansible_timeout: 30 }, { connectTimeoutMs: 30_000 }],
    [{ ansible_command_timeout: 0.5 }, { commandTimeoutMs: 500 }],
    [{ ansible_user: null }, { user: undefined }],
  ])('%j', (vars, expected) => {
    expect(hostConnection('rs1', vars)).toMatchObject(expected);
  });

  it.each([
    [{ ansible_port: 0 }, 'ansible_port'],
    [{ ansible_port: 'ssh' }, 'ansible_port'],
    [{ ansible_port: 70000 }, 'ansible_port'],
    [{ ansible_host: ['a'] }, 'ansible_host'],
    [{ ansible_host: '-oProxyCommand=x' }, 'ansible_host'],
    [{ ansible_host: 'a b' }, 'ansible_host'],
    [{ ansible_user: 'a b' }, 'ansible_user'],
    [{ ansible_user: true }, 'ansible_user'],
    [{ ansible_become_user: '-x' }, 'ansible_become_user'],
    [{ ansible_become_method: 'su' }, 'ansible_become_method'],
    [{ ansible_connection: 'locl' }, 'did you mean local'],
    [{ ansible_connection: 'docker' }, 'ansible_connection'],
    [{ ansible_connection: 'toString' }, 'ansible_connection'],
    [{ ansible_ssh_common_args: "-o 'x" }, 'ansible_ssh_common_args'],
    [{ ansible_ssh_common_args: ['-o'] }, 'ansible_ssh_common_args'],
    [{ ansible_timeout: -1 }, 'ansible_timeout'],
    [{ ansible_timeout: 'soon' }, 'ansible_timeout'],
    [{ ansible_shell_executable: '/bin/sh -e' }, 'ansible_shell_executable'],
    [{ ansible_become_password: 'hunter2\nx' }, 'ansible_become_password'],
  ])('refuses %j', (vars, named) => {
    let thrown: unknown;
    try {
      hostConnection('rs1', vars);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'connection-variable', kind: 'input', host: 'rs1' });
    const { message, hint } = thrown as { message: string; hint?: string };
    expect(`${message} ${hint ?? ''}`).toContain(named);
    expect(message).not.toContain('hunter2');
  });
});
