import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { share, udpServer } from '../lab/requests.ts';
import { changedBy, eventually, lvsPlay, must, TestLab } from '../lab/support.ts';

const VIP = '192.168.0.38';
const ALL_PORTS = '192.168.0.39';
const NAT_VIP = '172.16.254.200';

/** Serves one file, its name. It opens data connections (PORT, from port 20) and waits for them (PASV), at the address that it was reached at. */
const FTP_SERVER = `use IO::Socket::INET; $SIG{CHLD} = 'IGNORE';
my $name = $ARGV[0];
my $listener = IO::Socket::INET->new(LocalPort => 21, Listen => 20, ReuseAddr => 1) or die; fork and exit;
while (1) {
  my $c = $listener->accept or next;
  if (fork) { close $c; next }
  my ($passive, $peer, $port);
  my $say = sub { print $c "$_[0]\\r\\n" };
  $say->('220 ready');
  while (defined(my $line = <$c>)) {
    if ($line =~ /^USER/i) { $say->('230 come in') }
    elsif ($line =~ /^PWD/i) { $say->('257 "/"') }
    elsif ($line =~ /^(TYPE|CWD)/i) { $say->('200 as you wish') }
    elsif ($line =~ /^PASV/i) {
      $passive = IO::Socket::INET->new(LocalAddr => $c->sockhost, Listen => 1, Timeout => 5) or die;
      my $address = join ',', split(/\\./, $c->sockhost), $passive->sockport >> 8, $passive->sockport & 255;
      $say->("227 Entering Passive Mode ($address).");
    }
    elsif ($line =~ /^PORT ((?:\\d+,){3}\\d+),(\\d+),(\\d+)/i) { ($peer, $port) = (join('.', split(/,/, $1)), $2 * 256 + $3); $say->('200 as you wish') }
    elsif ($line =~ /^RETR/i) {
      $say->('150 here it comes');
      my $data = $passive ? $passive->accept : IO::Socket::INET->new(LocalPort => 20, ReuseAddr => 1, PeerAddr => $peer, PeerPort => $port, Timeout => 5);
      if ($data) { print $data "$name\\n"; close $data; $say->('226 done') } else { $say->('425 no data connection') }
    }
    elsif ($line =~ /^QUIT/i) { $say->('221 bye'); last }
    else { $say->('500 what') }
  }
  exit;
}
`;

/** One-to-one SCTP: says its name. Bound to the VIP, as it would else offer all addresses of the host. */
const SCTP_SERVER = `use Socket; my ($name, $vip) = @ARGV;
socket(my $l, PF_INET, SOCK_STREAM, 132) or die; setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
bind($l, pack_sockaddr_in(9000, inet_aton($vip))) or die; listen($l, 20) or die; fork and exit;
while (accept(my $c, $l)) { syswrite $c, "$name\\n"; close $c }
`;

const SCTP_CLIENT = `use Socket; my ($vip, $count) = @ARGV;
for (1 .. $count) {
  my $text = "\\n";
  eval { local $SIG{ALRM} = sub { die }; alarm 5; socket(my $s, PF_INET, SOCK_STREAM, 132) or die $!; connect($s, pack_sockaddr_in(9000, inet_aton($vip))) and sysread($s, $text, 100); close $s; alarm 0 };
  print $text;
}
`;

/** One packet of each call from a port of its own, call after call, and all of it again; the answers in that order. */
const SIP_CLIENT = `
const [host, ...calls] = process.argv.slice(1);
const packet = (call) => ['INVITE sip:you@example.org SIP/2.0', 'From: <sip:me@example.org>;tag=1', 'To: <sip:you@example.org>', 'Call-ID: ' + call, 'CSeq: 1 INVITE', 'Content-Length: 0', '', ''].join('\\r\\n');
const ask = (call) => new Promise((resolve) => {
  const socket = require('node:dgram').createSocket('udp4');
  const end = (name) => { clearTimeout(timer); socket.close(); resolve(name); };
  const timer = setTimeout(() => end(''), 10_000);
  socket.once('message', (data) => end(String(data)));
  socket.connect(5060, host, () => socket.send(packet(call)));
});
(async () => { const names = []; for (const call of calls) names.push(await ask(call)); console.log(JSON.stringify(names)); })();
`;

let lab: TestLab;
let site: string[];

/** Puts a server on a node and runs it as a unit; it has its port when this returns, as its first process ends then. */
async function serve(host: string, unit: string, program: string, ...args: string[]): Promise<void> {
  await put(host, unit, program);
  await lab.sh(host, `systemd-run -q --unit=${unit} --service-type=forking perl /root/${unit}.pl ${args.join(' ')}`);
}

async function put(host: string, name: string, program: string): Promise<void> {
  await lab.sh(host, `printf %s '${program.replaceAll("'", `'\\''`)}' >/root/${name}.pl`);
}

/** What the FTP server's one file says; '' when it does not come. */
async function download(vip: string, ...options: string[]): Promise<string> {
  return (await lab.client('curl', '-s', '-m', '8', '--disable-epsv', ...options, `ftp://${vip}/name`)).stdout.trim();
}

beforeAll(async () => {
  lab = await TestLab.installed('protocols', 'test/lab/fixtures/protocols.yml');
  // Without the proof from outside: it knows none of these protocols, and its connections would count here.
  site = ['playbooks/site.yml', '-i', lab.overlay, '-l', 'lvs1,rs1,rs2,rs3'];
  await must(lvsPlay(['deploy', ...site]));
  await Promise.all(
    ['rs1', 'rs2', 'rs3'].map(async (host) => {
      await lab.sh(host, `mkdir -p /srv/www && echo ${host} >/srv/www/index.html && for port in 80 81; do systemd-run -q --unit=web$port busybox httpd -f -p $port -h /srv/www; done`);
      await serve(host, 'ftp', FTP_SERVER, host);
      if (host === 'rs3') return put(host, 'client', SCTP_CLIENT);
      await serve(host, 'sctp', SCTP_SERVER, host, VIP);
      await lab.sh(host, udpServer(host, 5060, VIP));
    }),
  );
});

afterAll(async () => {
  await lab.down();
});

describe('protocols through the director', () => {
  it('SCTP by DR: each real server in turn', async () => {
    // From a node: not every machine that runs a lab speaks SCTP.
    const ask = async () => (await lab.sh('rs3', `perl /root/client.pl ${VIP} 8`)).replace(/\n$/, '').split('\n');
    expect(share(await eventually(ask, (names) => !names.includes('')))).toEqual({ rs1: 4, rs2: 4 });
  });

  it('SIP: a call stays with its server, whatever port it comes from, and calls go round in turn', async () => {
    const calls = ['a@me', 'b@me', 'c@me', 'd@me'];
    const names = JSON.parse((await must(lab.client(process.execPath, '-e', SIP_CLIENT, VIP, ...calls, ...calls, ...calls))).stdout) as string[];
    expect(share(names)).toEqual({ rs1: 6, rs2: 6 });
    expect(share(names.slice(0, 4))).toEqual({ rs1: 2, rs2: 2 });
    expect(names.slice(4)).toEqual([...names.slice(0, 4), ...names.slice(0, 4)]);
  });

  it('port 0 by DR: one client reaches one server on every port, FTP with its data connections among them', async () => {
    const [server = ''] = await lab.answers(ALL_PORTS, 1);
    expect(['rs1', 'rs2']).toContain(server);
    expect(share([...(await lab.answers(`${ALL_PORTS}:80`, 4)), ...(await lab.answers(`${ALL_PORTS}:81`, 4))])).toEqual({ [server]: 8 });
    expect([await download(ALL_PORTS), await download(ALL_PORTS), await download(ALL_PORTS)]).toEqual([server, server, server]);
  });

  it('FTP by NAT: both kinds of data connections come through with the kernel\'s helper; on a port that it does not read, nothing does', async () => {
    expect([await download(NAT_VIP, '--no-ftp-skip-pasv-ip'), await download(NAT_VIP, '--ftp-port', '-')]).toEqual(['rs3', 'rs3']);
    await lab.sh('lvs1', `ipvsadm -A -t ${NAT_VIP}:2121 -s rr && ipvsadm -a -t ${NAT_VIP}:2121 -r 192.168.0.29:21 -m`);
    const unread = await lab.client('curl', '-sv', '-m', '8', '--disable-epsv', `ftp://${NAT_VIP}:2121/name`);
    // The server is reached, and tells of an address that clients cannot reach.
    expect(unread.stderr).toContain('227 Entering Passive Mode (192,168,0,29,');
    expect(unread.stdout).toBe('');
    await lab.sh('lvs1', `ipvsadm -D -t ${NAT_VIP}:2121`);
  });

  it('IPv6 by tunnels to real servers with IPv4: each in turn', async () => {
    expect(share(await eventually(() => lab.answers('[fd00:38::38]', 8), (names) => !names.includes('')))).toEqual({ rs1: 4, rs2: 4 });
  });

  it('changes nothing the second time', async () => {
    expect(await changedBy(...site)).toEqual([]);
  });
});
