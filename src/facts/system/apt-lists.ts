/** How old apt's lists of packages are on a host: `old` after a day, or when the sources changed since. */
export type ListsState = 'fresh' | 'old' | 'missing';

/** What apt would install, by name, and how it knows. */
export interface Offers {
  readonly lists: ListsState;
  /** Versions by name; a package that no source offers is left out. */
  readonly candidates: ReadonlyMap<string, string>;
  /** Why sources could not be read, in apt's own words; null where all were, or where nobody had to ask them. */
  readonly problem: string | null;
  /** No source at all could be read. */
  readonly silent: boolean;
}

/** As Ansible's users are used to, and apt's own timers refresh them. */
const FRESH_MINUTES = 24 * 60;
/** A source that does not answer must not hold up a plan: apt's own limits add up to minutes for each. */
const FETCH_SECONDS = 120;
/** apt-cache writes what it has read to /var/cache/apt unless it is told not to. */
const POLICY = 'apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy';

/**
 * A fragment of POSIX sh that prints what apt would install of the packages named by `words`. Where the lists are missing or old, it reads the sources' lists into a
 * folder of its own and removes it again: the host is left as it was. apt's hooks do not run then, as they write elsewhere.
 * @param words quoted words of sh, or `"$@"`
 */
export function offersScript(words: string): string {
  return `lists=missing
for file in /var/lib/apt/lists/*Packages*; do if [ -e "$file" ]; then lists=old; break; fi; done
if [ "$lists" = old ]; then
  # apt writes here whenever it asks the sources, also when nothing is new.
  stamp=/var/lib/apt/lists/partial
  [ -d "$stamp" ] || stamp=/var/lib/apt/lists
  if [ -n "$(find "$stamp" -maxdepth 0 -mmin -${String(FRESH_MINUTES)})" ] && [ -z "$(find /etc/apt/sources.list /etc/apt/sources.list.d -newer "$stamp" 2>/dev/null)" ]; then lists=fresh; fi
fi
echo "--- lists $lists"
if [ "$lists" = fresh ]; then
  echo '--- policy'
  ${POLICY} -- ${words} 2>/dev/null
  exit 0
fi
folder=/var/tmp
[ -d "$folder" ] || folder=/tmp
folder=$(mktemp -d "$folder/lvs-play.XXXXXXXXXX") || exit 1
trap 'rm -rf -- "$folder"' EXIT
trap 'exit 1' HUP INT TERM PIPE
# apt fetches as a user of its own, who has to come in.
chmod 755 "$folder"
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
cat >"$folder/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State::lists "$folder/lists";
Dir::Cache "$folder/cache";
Acquire::Languages "none";
Acquire::Retries "1";
CONF
rc=0
timeout ${String(FETCH_SECONDS)} apt-get -q -c "$folder/apt.conf" update >"$folder/log" 2>&1 || rc=$?
none=1
for file in "$folder"/lists/*Packages*; do if [ -e "$file" ]; then none=; break; fi; done
echo "--- sources \${none:+none}"
if [ "$rc" -eq 124 ]; then echo 'E: apt-get update did not finish within ${String(FETCH_SECONDS)} s'; fi
grep -E '^[EW]: ' "$folder/log"
echo '--- policy'
${POLICY} -c "$folder/apt.conf" -- ${words} 2>/dev/null
# What is offered no longer may still be in the old lists.
if [ "$lists" = old ]; then echo '--- old policy'; ${POLICY} -- ${words} 2>/dev/null; fi
exit 0`;
}

/** What `offersScript` printed. Pure. */
export function parseOffers(text: string): Offers {
  const sections = new Map([...text.matchAll(/^--- (lists|sources|policy|old policy)(?: (\w+))?\s*\n((?:(?!--- ).*\n?)*)/gm)].map(([, name = '', word = '', body = '']) => [name, { word, body }] as const));
  const lists = sections.get('lists')?.word;
  const sources = sections.get('sources');
  const silent = sources?.word === 'none';
  return {
    lists: lists === 'old' || lists === 'missing' ? lists : 'fresh',
    candidates: new Map([...parsePolicy(sections.get('old policy')?.body ?? ''), ...parsePolicy(sections.get('policy')?.body ?? '')]),
    problem: sources === undefined ? null : (aptComplaint(sources.body) ?? (silent ? 'no source of packages is configured in /etc/apt' : null)),
    silent,
  };
}

/** Candidates by name in what `apt-cache policy` prints; a package without one is left out. */
function parsePolicy(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(/^(\S+):\n(?: {2}.*\n)*? {2}Candidate: (\S+)$/gm)].map(([, name = '', version = '']): [string, string] => [name, version]);
  return new Map(found.filter(([, version]) => version !== '(none)'));
}

/** The line of apt's that names a source and what is wrong with it. Addresses lose a password they may hold. */
function aptComplaint(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => /^[EW]: /.test(line) && !/Some index files failed to download|performed unsandboxed/.test(line));
  const line = lines.find((each) => /GPG error|Failed to fetch|did not finish/.test(each)) ?? lines.find((each) => each.startsWith('E: ')) ?? lines[0];
  return line?.replace(/^[EW]: /, '').replaceAll(/:\/\/[^/\s@]*@/g, '://').replaceAll(/\s+/g, ' ').trim();
}
