import { createHash } from 'node:crypto';
import { SUITE } from './apt-sources.ts';

/**
 * Installed on every node. What the playbooks install is left out: nodes start bare. The libraries of keepalived's SNMP agent are in: nothing here uses it, and
 * unpacking them is much of the time that installing keepalived takes.
 */
export const INSTALLED: readonly string[] = [
  'systemd', 'systemd-sysv', 'udev', 'dbus', 'openssh-server', 'iproute2', 'procps', 'kmod', 'sudo', 'busybox', 'iputils-ping',
  'iputils-arping', 'ca-certificates', 'curl', 'iptables', 'tcpdump', 'python3-minimal', 'libsnmp40',
];

/** In the node's own apt repository, with all they need. */
export const OFFERED: readonly string[] = ['ipvsadm', 'keepalived', 'nginx-light', 'ipset', 'conntrack', 'arptables', 'nftables', 'rsyslog', 'cron'];

/** What of the kernel's modules a cluster can use; the rest (file systems, drivers of real hardware) stays out. */
const MODULE_FOLDERS: readonly string[] = ['net', 'lib', 'crypto', 'drivers/net', 'fs/overlayfs'];

/** Password of `operator2`'s sudo: known to everybody, the nodes are reached from their namespace alone. */
const OPERATOR_PASSWORD = 'lab';

/**
 * Units that a node can do without; most of them start processes, and a process costs tens of milliseconds here.
 * Without udev's cold plugging nothing is lost: devtmpfs has the devices, and new ones are still seen.
 */
const MASKED_UNITS: readonly string[] = [
  'dev-hugepages.mount', 'dev-mqueue.mount', 'getty-static.service', 'getty.target', 'kmod-static-nodes.service',
  'proc-sys-fs-binfmt_misc.automount', 'sys-fs-fuse-connections.mount', 'sys-kernel-config.mount', 'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount', 'systemd-ask-password-console.path', 'systemd-ask-password-wall.path', 'systemd-binfmt.service',
  'systemd-firstboot.service', 'systemd-initctl.socket', 'systemd-journal-flush.service', 'systemd-journald-audit.socket',
  'systemd-machine-id-commit.service', 'systemd-pcrphase-sysinit.service', 'systemd-pcrphase.service',
  'systemd-pstore.service', 'systemd-random-seed.service', 'systemd-remount-fs.service', 'systemd-repart.service',
  'systemd-sysusers.service', 'systemd-tmpfiles-clean.timer', 'systemd-udev-trigger.service', 'systemd-update-utmp-runlevel.service',
  'systemd-update-utmp.service', 'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer',
  'e2scrub_reap.service', 'fstrim.timer',
];

/** Generators run at boot and at every daemon-reload, which a package installation asks for several times. Some packages on offer have no unit of their own. */
const KEPT_GENERATORS = 'systemd-sysv-generator';

/**
 * A user-mode kernel that gets a word from its disk and a packet at once may forget the word: its handler of the first (arch/um/kernel/irq.c) is interrupted, and the
 * list of the others is written over (a static array in arch/um/os-Linux/irq.c). Whoever waits for that block then waits until the disk has been heard of again;
 * seen on NAT directors under load, for minutes. So two readers ask for a block each second, in turns: one may wait for the other.
 */
const DISK_READER = `use strict;
my $late = fork ? 0 : 1;
open my $disk, '<:raw', '/dev/ubda' or die "/dev/ubda: $!";
my $blocks = (sysseek $disk, 0, 2) / 4096;
select undef, undef, undef, $late;
while (1) {
  sysseek $disk, 4096 * int rand $blocks, 0;
  sysread $disk, my $block, 4096;
  select undef, undef, undef, 2;
}
`;

/** Files of the image that no package brings; paths relative to its root. */
const FILES: Readonly<Record<string, string>> = {
  // Reads what the lab says of this node and takes it on before anything else needs a name or a network.
  'etc/systemd/system/lab-node.service': `[Unit]
Description=Name, keys and addresses of this lab node
DefaultDependencies=no
After=-.mount
Before=systemd-sysctl.service network-pre.target network.target sysinit.target ssh.service
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /usr/lib/lab/node.sh
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=sysinit.target
`,
  'usr/lib/lab/node.sh': `set -eu
mkdir -p /run/lab
mount -t hostfs none /run/lab -o ro
. /run/lab/node.sh
umount /run/lab
rmdir /run/lab
`,
  'etc/systemd/system/lab-disk.service': `[Unit]
Description=Wakes up what waits for the disk of this lab node
DefaultDependencies=no
After=-.mount

[Service]
ExecStart=/usr/bin/perl /usr/lib/lab/disk.pl
OOMScoreAdjust=-500

[Install]
WantedBy=sysinit.target
`,
  'usr/lib/lab/disk.pl': DISK_READER,
  'etc/systemd/system/ssh.service.d/lab.conf': `[Unit]
# An sshd that answers before this refuses everybody but root.
After=systemd-user-sessions.service
[Service]
ExecStartPre=
`,
  'etc/systemd/journald.conf.d/lab.conf': '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\n',
  // PAM's modules, and an sshd that runs itself again for each connection, made two thirds of what a login costs: 0.34 s of CPU, 0.11 without them.
  'etc/ssh/sshd_config.d/lab.conf': 'HostKey /etc/ssh/ssh_host_ed25519_key\nAuthorizedKeysFile .ssh/authorized_keys /etc/ssh/lab_authorized_keys\nUseDNS no\nUsePAM no\n',
  'etc/default/ssh': 'SSHD_OPTS=-r\n',
  'etc/sudoers.d/lab': 'operator ALL=(ALL:ALL) NOPASSWD: ALL\noperator2 ALL=(ALL:ALL) ALL\n',
  'etc/apt/sources.list': 'deb [trusted=yes] file:/srv/repo ./\n',
  // Asking logind not to shut down meanwhile would start it, and the bus.
  'etc/apt/apt.conf.d/90lab': 'APT::Install-Recommends "false";\nAcquire::Languages "none";\nDPkg::Inhibit-Shutdown "false";\n',
  'etc/fstab': '',
  'etc/resolv.conf': '',
  'etc/hostname': 'lab\n',
  'etc/machine-id': '',
};

/** mmdebstrap's options beside the archives: nothing a node never reads, and no waiting for the disk. */
export const DPKG_OPTIONS: readonly string[] = [
  'force-unsafe-io', 'path-exclude=/usr/share/man/*', 'path-exclude=/usr/share/locale/*', 'path-exclude=/usr/share/doc/*', 'path-exclude=/usr/share/info/*',
];

/** Size of a node's disk; it is sparse, so only what is written takes room. */
const DISK_SIZE = '1500M';

/**
 * mmdebstrap's customize hook: fetches the packages on offer with whatever they need beyond what is installed; apt itself works
 * that out. It is this machine's apt that reads them, so its proxies and keys serve.
 */
export function fetchHook(): string {
  return `set -eu
root=$1
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
rm -f "$root"/var/cache/apt/archives/*.deb
apt-get -qq -y --no-install-recommends --download-only install ${OFFERED.join(' ')} >/dev/null
mkdir -p "$root/srv/repo"
mv "$root"/var/cache/apt/archives/*.deb "$root/srv/repo/"
`;
}

/**
 * A POSIX sh script that turns mmdebstrap's system in `$1` into a node and writes the disk image to `$2`, with the kernel
 * modules of `$3` (/usr/lib/uml/modules/VERSION). It runs when mmdebstrap has ended: until then its mounts are in the tree.
 * @param packages of those on offer, installed already; empty: a bare node
 */
export function customizeScript(packages: readonly string[] = []): string {
  return `set -eu
root=$1 image=$2 modules=$3
version=\${modules##*/}

cat >"$root/srv/repo/index.sh" <<'INDEX'
cd /srv/repo
for deb in *.deb; do
  dpkg-deb -f "$deb"
  set -- $(stat -c %s "$deb") $(sha256sum "$deb")
  printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$deb" "$1" "$2"
done >Packages
INDEX
chroot "$root" sh /srv/repo/index.sh
rm -rf "$root/srv/repo/index.sh" "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/apt.conf.d/99mmdebstrap
mkdir -p "$root/var/lib/apt/lists/partial"

for folder in ${MODULE_FOLDERS.join(' ')}; do
  mkdir -p "$root/lib/modules/$version/kernel/\${folder%/*}"
  cp -r "$modules/kernel/$folder" "$root/lib/modules/$version/kernel/$folder"
done
cp "$modules"/modules.builtin* "$modules"/modules.order "$root/lib/modules/$version/"
chroot "$root" depmod "$version"

${Object.entries(FILES).map(([file, text]) => writeFile(file, text)).join('')}
chmod 440 "$root/etc/sudoers.d/lab"
mkdir -p "$root/etc/systemd/system/sysinit.target.wants" "$root/etc/systemd/system-generators"
ln -sf /etc/systemd/system/lab-node.service /etc/systemd/system/lab-disk.service "$root/etc/systemd/system/sysinit.target.wants/"
for unit in ${MASKED_UNITS.join(' ')}; do
  rm -f "$root"/etc/systemd/system/*.wants/"$unit"
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
for generator in "$root"/lib/systemd/system-generators/*; do
  case \${generator##*/} in
    ${KEPT_GENERATORS}) ;;
    *) ln -sf /dev/null "$root/etc/systemd/system-generators/\${generator##*/}" ;;
  esac
done
# The bus and logind start when somebody speaks to them, not at boot; messages of the day would cost processes at each login.
rm -f "$root"/lib/systemd/system/multi-user.target.wants/dbus.service "$root"/lib/systemd/system/multi-user.target.wants/systemd-logind.service
rm -f "$root"/etc/update-motd.d/* "$root"/etc/apt/apt.conf.d/70debconf "$root"/etc/ssh/ssh_host_*

# Debian has a group operator, but no such user. Without PAM sshd refuses an account that is locked, as a new one is; with * it only has no password.
chroot "$root" useradd --create-home --shell /bin/bash --gid operator --password '*' operator
chroot "$root" useradd --create-home --shell /bin/bash operator2
printf 'operator2:%s\\n' '${OPERATOR_PASSWORD}' | chroot "$root" chpasswd
printf 'debconf debconf/frontend select Noninteractive\\n' | chroot "$root" debconf-set-selections
# This kernel has no nf_tables families, and the command would fail in silence.
chroot "$root" update-alternatives --quiet --set iptables /usr/sbin/iptables-legacy
chroot "$root" update-alternatives --quiet --set ip6tables /usr/sbin/ip6tables-legacy
# A host that is bare is as cloud images come: nobody has fetched its package lists yet. One that has packages keeps the lists they came from.
${packages.length === 0 ? '' : `chroot "$root" apt-get -qq update\n${preinstall(packages)}`}
mkfs.ext4 -q -F -E lazy_itable_init=0 -J size=16 -d "$root" "$image" ${DISK_SIZE}
`;
}

/**
 * Installs packages, and sees to it that nothing of them runs by itself: what a service does on a node is the playbook's to say. Debian's packages enable their
 * units, and start them; here policy-rc.d forbids the start, and the units are disabled afterwards.
 */
function preinstall(packages: readonly string[]): string {
  return `
chroot "$root" dpkg-query -W -f '\${Package}\\n' | sort >"$root/tmp/before"
printf 'exit 101\\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install ${packages.join(' ')} >/dev/null
rm "$root/usr/sbin/policy-rc.d"
for package in $(chroot "$root" dpkg-query -W -f '\${Package}\\n' | sort | comm -13 "$root/tmp/before" -); do
  for unit in $(chroot "$root" dpkg -L "$package" | sed -n -e 's,^\\(/usr\\)*/lib/systemd/system/\\([^/@]*\\.\\(service\\|timer\\|socket\\)\\)$,\\2,p' -e 's,^/etc/init\\.d/\\(.*\\)$,\\1.service,p' | sort -u); do
    chroot "$root" systemctl -q disable "$unit" 2>/dev/null || :
  done
done
rm "$root/tmp/before"
`;
}

function writeFile(file: string, text: string): string {
  const folder = file.split('/').slice(0, -1).join('/');
  return `mkdir -p "$root/${folder}"\n` + (text === '' ? `rm -f "$root/${file}"; : >"$root/${file}"\n` : `cat >"$root/${file}" <<'LAB_FILE'\n${text}LAB_FILE\n`);
}

/** Names the image: anything that changes what is in it changes the hash. */
export function recipeHash(kernelVersion: string, packages: readonly string[] = []): string {
  const recipe = JSON.stringify([SUITE, INSTALLED, DPKG_OPTIONS, fetchHook(), customizeScript(packages), kernelVersion]);
  return createHash('sha256').update(recipe).digest('hex').slice(0, 16);
}
