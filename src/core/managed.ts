/** In the head of every file that lvs-play owns whole, after the file's own sign of a comment. */
export const MANAGED = 'managed by lvs-play; changes made here are lost at the next deploy';
