import { shellQuote } from '../../core/text/quote.ts';
import type { Numbered, UndoKind } from './contract.ts';

/**
 * Paths: exact bytes, mode, owner, times, links as links, and absence. One `stat` and one `sha256sum` for all. State: `absent`, `dir MODE OWNER`,
 * `link TARGET`, `file MODE OWNER SHA256`.
 */
export const fileKind: UndoKind = {
  name: 'file',
  state: (keys) =>
    [
      'ids=',
      'set --',
      ...keys.map(({ id, key }) => `if [ -e ${shellQuote(key)} ] || [ -h ${shellQuote(key)} ]; then ids="\${ids}${String(id)} "; set -- "$@" ${shellQuote(key)}; else echo ${String(id)} absent; fi`),
      '[ $# -gt 0 ] || return 0',
      // One line a path, whatever its name: names are not printed.
      "stats=$(stat -c '%f %a %u:%g' -- \"$@\") || return 1",
      'files=',
      'IFS=$nl',
      'for line in $stats; do',
      '    path=$1; shift',
      '    id=${ids%% *}; ids=${ids#* }',
      '    case $line in',
      '        8*) files="$files$id file ${line#* }$nl"; set -- "$@" "$path" ;;',
      '        4*) echo "$id dir ${line#* }" ;;',
      '        a*) printf "%s link %s\\n" "$id" "$(readlink -- "$path" | tr "\\n" "?")" ;;',
      '        *) echo "$id other $line" ;;',
      '    esac',
      'done',
      'unset IFS',
      '[ $# -gt 0 ] || return 0',
      // A name with a newline would make two lines of one sum.
      'case $* in *"$nl"*) sums=; for path do sums="$sums$(sha256sum <"$path")$nl"; done ;; *) sums=$(sha256sum -- "$@") || return 1 ;; esac',
      'IFS=$nl',
      'for line in $sums; do',
      // A backslash in front tells of an escaped name.
      '    line=${line#\\\\}',
      '    printf "%s %s\\n" "${files%%"$nl"*}" "${line%% *}"',
      '    files=${files#*"$nl"}',
      'done',
      'unset IFS',
    ].join('\n'),
  save: (keys) => keys.map(({ id, key }) => `if fresh ${String(id)}; then keep_file ${String(id)} ${shellQuote(key)}; fi`).join('\n'),
  restore: { files: (keys) => putBack([...keys].sort(byPath)) },
};

/** Directories that a run removes or replaces with all that is in them. State: `absent`, or checksums of names, attributes and contents. */
export const treeKind: UndoKind = {
  name: 'tree',
  state: (keys) => keys.map(({ id, key }) => `if [ -d ${shellQuote(key)} ] && [ ! -h ${shellQuote(key)} ]; then printf "%s dir %s\\n" ${String(id)} "$(tree_sum ${shellQuote(key)})"; elif [ -e ${shellQuote(key)} ] || [ -h ${shellQuote(key)} ]; then echo ${String(id)} other; else echo ${String(id)} absent; fi`).join('\n'),
  save: (keys) => keys.map(({ id, key }) => `if fresh ${String(id)} && [ -e ${shellQuote(key)} ]; then cp -a -- ${shellQuote(key)} "$before/file.${String(id)}" || fail ${shellQuote(`${key} cannot be saved`)}; fi`).join('\n'),
  restore: { files: putBack },
};

/** Directories above the paths of a run that were not there: they go with all that came into them, packages' leftovers included. */
export const parentKind: UndoKind = {
  name: 'parent',
  state: (keys) => keys.map(({ id, key }) => `if [ ! -d ${shellQuote(key)} ]; then echo ${String(id)} absent; elif [ "\${was_${String(id)}:-}" = absent ]; then printf "%s present %s\\n" ${String(id)} "$(find ${shellQuote(key)} | sort | sha256sum | cut -c 1-64)"; else echo ${String(id)} present; fi`).join('\n'),
  restore: { files: putBack },
};

function putBack(keys: readonly Numbered[]): string {
  return keys.map(({ id, key }) => `if differs ${String(id)}; then put_back ${String(id)} ${shellQuote(key)}; fi`).join('\n');
}

/** A directory before what is in it. */
function byPath(a: Numbered, b: Numbered): number {
  return a.key < b.key ? -1 : 1;
}
