/** The next steps that several parts advise, in one wording each. Advice is what really works. */

/** For what the doctor can heal. */
export function nextRepair(path: string): string {
  return `Repair it: vivarium disk repair ${quoted(path)} (with --dry-run to see what would be done).`
}

/** For what nobody can heal in the file, but whose content can still be read. */
export function nextConvert(path: string): string {
  return `This cannot be repaired in place. Copy the file again from its source, or save what it shows: vivarium disk convert ${quoted(path)} NEW.`
}

/** For what can neither be healed nor read. */
export const NEXT_COPY_AGAIN =
  'This cannot be repaired, and the disk cannot be read to its end. Copy the file again from its source.'

/** For those who only read, and do not know whether the doctor could heal it. */
export const NEXT_CHECK =
  'The file was cut short or damaged. "vivarium check" tells whether it can be repaired; else copy it again from its source.'

/** For a file that no format recognises: any file can be a raw image, and its name has to say so, or who sends it in. */
export function nextPlainImage(path: string): string {
  const name = quoted(path)
  return `If it is a plain image: mv ${name} ${quoted(`${path}.img`)} lets it be read as one, and vivarium disk convert - NEW.vhd < ${name} makes a disk of it.`
}

export function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
