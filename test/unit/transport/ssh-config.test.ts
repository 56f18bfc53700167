import { describe, expect, it } from 'vitest';
import { algorithmOffer } from '../../../src/transport/ssh/algorithms.ts';
import { optionsFromArgs, parseSshOptions, sshSettings } from '../../../src/transport/ssh/config.ts';
import type { SshSettings } from '../../../src/transport/ssh/config.ts';
import { parseJump } from '../../../src/transport/ssh/dial.ts';
import { SshConfigReader, sshArguments } from '../../../src/transport/ssh/resolve.ts';
import { tempDir, removeDir } from './sshd.ts';

const LOCAL = { home: '/home/me', user: 'me' };

function settings(lines: readonly string[], builtIn: readonly string[] = []): SshSettings {
  return sshSettings('web', parseSshOptions(lines.join('\n')), parseSshOptions(builtIn.join('\n')), LOCAL);
}

describe('sshSettings', () => {
  it('has defaults', () => {
    expect(settings([])).toMatchObject({ alias: 'web', hostName: 'web', user: 'me', port: 22, strictHostKeyChecking: 'ask', proxyJump: [], proxyCommand: undefined, serverAliveInterval: 0, connectTimeout: undefined, methods: ['publickey', 'keyboard-interactive', 'password'] });
  });

  it.each<[readonly string[], Partial<SshSettings>]>([
    [['hostname 192.0.2.1', 'user root', 'port 2222'], { hostName: '192.0.2.1', user: 'root', port: 2222 }],
    [['identityfile ~/.ssh/a', 'identityfile /b c', 'identityfile ~/.ssh/a', 'identityfile none'], { identityFiles: ['/home/me/.ssh/a', '/b c'] }],
    [['identityfile %d/%h_%p_%r_%n_%u_%%'], { identityFiles: ['/home/me/web_22_me_web_me_%'] }],
    [['userknownhostsfile ~/a /b/%k', 'hostkeyalias alias'], { userKnownHostsFiles: ['/home/me/a', '/b/alias'], hostKeyAlias: 'alias' }],
    [['userknownhostsfile none'], { userKnownHostsFiles: [] }],
    [['stricthostkeychecking true'], { strictHostKeyChecking: 'yes' }],
    [['stricthostkeychecking yes'], { strictHostKeyChecking: 'yes' }],
    [['stricthostkeychecking false'], { strictHostKeyChecking: 'no' }],
    [['stricthostkeychecking off'], { strictHostKeyChecking: 'no' }],
    [['stricthostkeychecking accept-new'], { strictHostKeyChecking: 'accept-new' }],
    [['stricthostkeychecking nonsense'], { strictHostKeyChecking: 'ask' }],
    [['identityagent none'], { identityAgent: null }],
    [['identityagent SSH_AUTH_SOCK'], { identityAgent: undefined }],
    [['identityagent ~/agent'], { identityAgent: '/home/me/agent' }],
    [['identityagent $LVS_PLAY_NO_SUCH_VARIABLE'], { identityAgent: null }],
    [['proxyjump a,u@b:2222'], { proxyJump: ['a', 'u@b:2222'] }],
    [['proxyjump none', 'proxycommand none'], { proxyJump: [], proxyCommand: undefined }],
    [['hostname 192.0.2.1', 'proxycommand nc %h %p %r %n %% %d'], { proxyCommand: 'nc 192.0.2.1 22 me web % %d' }],
    [['serveraliveinterval 20', 'serveralivecountmax 5', 'connecttimeout 7'], { serverAliveInterval: 20, serverAliveCountMax: 5, connectTimeout: 7 }],
    [['connecttimeout none'], { connectTimeout: undefined }],
    [['addressfamily inet6', 'bindaddress 192.0.2.9'], { addressFamily: 6, bindAddress: '192.0.2.9' }],
    [['addressfamily any'], { addressFamily: undefined }],
    [['pubkeyauthentication false'], { methods: ['keyboard-interactive', 'password'] }],
    [['pubkeyauthentication unbound', 'passwordauthentication no'], { methods: ['publickey', 'keyboard-interactive'] }],
    [['preferredauthentications gssapi-with-mic,password,publickey'], { methods: ['password', 'publickey'] }],
    [['identitiesonly yes', 'hashknownhosts yes', 'compression yes'], { identitiesOnly: true, hashKnownHosts: true, compression: true }],
  ])('%j', (lines, expected) => {
    expect(settings(lines)).toMatchObject(expected);
  });

  it('takes algorithms only where they differ from the built-in ones', () => {
    expect(settings(['ciphers a,b', 'kexalgorithms c'], ['ciphers a,b', 'kexalgorithms d']).algorithms).toEqual({ ciphers: undefined, kex: ['c'], macs: undefined, hostKeys: undefined });
  });

  it.each(['web;id', 'web id', '$(id)', 'a`b'])('refuses to put %s into a ProxyCommand', (hostName) => {
    expect(() => settings([`hostname ${hostName}`, 'proxycommand nc %h'])).toThrow(/ProxyCommand/);
  });
});

describe('without an ssh binary', () => {
  it('reads what the arguments say, the first value first', () => {
    const options = optionsFromArgs(['-p', '2222', '-oUser=root', '-o', 'Port=1', '-o', 'StrictHostKeyChecking no', '-i', '~/k', '-o', 'IdentityFile="/k 2"', '-Jjump', '-q', '-v', '-c', 'aes'], LOCAL, 'web');
    expect(sshSettings('web', options, new Map(), LOCAL)).toMatchObject({ port: 2222, user: 'root', strictHostKeyChecking: 'no', identityFiles: ['/home/me/k', '/k 2'], proxyJump: ['jump'], userKnownHostsFiles: ['/home/me/.ssh/known_hosts', '/home/me/.ssh/known_hosts2'] });
  });

  it('has the usual keys and files', () => {
    expect(sshSettings('web', optionsFromArgs([], LOCAL, 'web'), new Map(), LOCAL).identityFiles).toEqual(['rsa', 'ecdsa', 'ed25519'].map((type) => `/home/me/.ssh/id_${type}`));
  });

  it('is what a reader falls back to', async () => {
    const dir = tempDir();
    const path = process.env['PATH'];
    process.env['PATH'] = dir;
    try {
      expect(await new SshConfigReader(LOCAL).settings({ host: 'h', address: 'web', port: 99, args: [] })).toMatchObject({ hostName: 'web', port: 99, user: 'me' });
    } finally {
      process.env['PATH'] = path;
      removeDir(dir);
    }
  });
});

describe('ssh -G', () => {
  const reader = new SshConfigReader(LOCAL);
  const none = ['-F', 'none'];

  it('is read', async () => {
    const read = await reader.settings({ host: 'h', address: 'WEB', user: 'root', port: 2222, identityFile: '/my keys/k', connectTimeoutMs: 1500, args: [...none, '-o', 'Port=1', '-o', 'ProxyJump=u@a:22,b', '-o', 'StrictHostKeyChecking=accept-new', '-o', 'IdentityFile=~/second'] });
    expect(read).toMatchObject({ hostName: 'web', user: 'root', port: 2222, connectTimeout: 2, strictHostKeyChecking: 'accept-new', proxyJump: ['u@a:22', 'b'], algorithms: { kex: undefined, ciphers: undefined, macs: undefined, hostKeys: undefined } });
    expect(read.identityFiles.slice(0, 2)).toEqual(['/my keys/k', '/home/me/second']);
  });

  it('tells chosen algorithms from built-in ones', async () => {
    expect((await reader.settings({ host: 'h', address: 'web', args: [...none, '-o', 'Ciphers=aes256-ctr', '-o', 'MACs=-hmac-sha1'] })).algorithms).toMatchObject({ kex: undefined, ciphers: ['aes256-ctr'], macs: expect.not.arrayContaining(['hmac-sha1']) as string[] });
  });

  it('reports bad arguments in one line', async () => {
    await expect(reader.settings({ host: 'h', address: 'web', args: [...none, '-o', 'Nonsense=1'] })).rejects.toMatchObject({ code: 'ssh-arguments', kind: 'input', host: 'h', message: expect.stringMatching(/^h: ssh refuses .*nonsense$/) as string });
  });

  it('puts what the inventory says of the host first', () => {
    expect(sshArguments({ host: 'h', address: 'a', user: 'u', port: 1, identityFile: '/k', connectTimeoutMs: 10_000, args: ['-v'] })).toEqual(['-p', '1', '-l', 'u', '-o', 'IdentityFile="/k"', '-v', '-o', 'ConnectTimeout=10']);
  });
});

describe('parseJump', () => {
  it.each([
    ['a', { user: undefined, host: 'a', port: undefined }],
    ['u@a:22', { user: 'u', host: 'a', port: 22 }],
    ['ssh://u@a:22', { user: 'u', host: 'a', port: 22 }],
    ['ssh://a/', { user: undefined, host: 'a', port: undefined }],
    ['[2001:db8::1]:22', { user: undefined, host: '2001:db8::1', port: 22 }],
    ['u@2001:db8::1', { user: 'u', host: '2001:db8::1', port: undefined }],
  ])('%s', (text, jump) => {
    expect(parseJump('h', text)).toEqual(jump);
  });

  it.each(['', 'a:b', '-oX', 'u@'])('refuses %j', (text) => {
    expect(() => parseJump('h', text)).toThrow(/ProxyJump/);
  });
});

describe('algorithmOffer', () => {
  const nothing = { kex: undefined, ciphers: undefined, macs: undefined, hostKeys: undefined };

  it('puts known types first and leaves the slow key exchange out', () => {
    const offer = algorithmOffer('h', nothing, ['ssh-rsa', 'ecdsa-sha2-nistp384']);
    expect(offer.serverHostKey.slice(0, 3).toSorted()).toEqual(['ecdsa-sha2-nistp384', 'rsa-sha2-256', 'rsa-sha2-512']);
    expect(offer.serverHostKey).toHaveLength(6);
    expect(offer.kex.join()).not.toContain('group-exchange');
    expect(offer.serverHostKey).not.toContain('ssh-rsa');
  });

  it('offers the slow key exchange last when asked', () => {
    expect(algorithmOffer('h', { ...nothing, kex: ['diffie-hellman-group-exchange-sha256', 'sntrup761x25519-sha512', 'curve25519-sha256'] }, []).kex).toEqual(['curve25519-sha256', 'diffie-hellman-group-exchange-sha256']);
  });

  it('keeps to what is chosen', () => {
    expect(algorithmOffer('h', { ...nothing, ciphers: ['aes256-ctr', 'unknown'], hostKeys: ['ssh-rsa'] }, [])).toMatchObject({ cipher: ['aes256-ctr'], serverHostKey: ['ssh-rsa'] });
    expect(() => algorithmOffer('h', { ...nothing, macs: ['umac-64@openssh.com'] }, [])).toThrow(/MACs/);
  });
});
