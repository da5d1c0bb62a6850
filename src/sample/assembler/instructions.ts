/**
 * The instructions that our guests use, in the notation of the Intel 64 and IA-32 Architectures Software
 * Developer's Manual, volume 2 (chapters 3 and 4: one page for each mnemonic; notation: section 3.1.1).
 *
 * Operands: `rm8 rm16 rm32` register or memory, `r..` register, `m` memory, `moffs` a bare address, `imm..` immediate, `simm8` an
 * immediate that fits a sign-extended byte, `rel8 relv` a branch target, `far` segment:offset. A `v` stands for
 * 16 or 32 bits: 32 adds the operand-size prefix 66h (section 2.1.1). Encoding: `/r` ModR/M with a register,
 * `/0`..`/7` ModR/M with an opcode extension, `+r` the register in the opcode, `ib iw iv cb cv ow` what follows.
 * The first form that fits is taken, so short forms stand first.
 */
const PLAIN = `
mov    al,moffs      A0 ow
mov    av,moffs      A1 ow
mov    moffs,al      A2 ow
mov    moffs,av      A3 ow
mov    rm8,r8        88 /r
mov    rmv,rv        89 /r
mov    r8,rm8        8A /r
mov    rv,rmv        8B /r
mov    rm16,sreg     8C /r
mov    sreg,rm16     8E /r
mov    r8,imm8       B0 +r ib
mov    rv,immv       B8 +r iv
mov    rm8,imm8      C6 /0 ib
mov    rmv,immv      C7 /0 iv
movzx  rv,rm8        0F B6 /r
movzx  r32,rm16      0F B7 /r
lea    rv,m          8D /r
les    rv,m          C4 /r
lds    rv,m          C5 /r
xchg   av,rv         90 +r
xchg   rv,av         90 +r
xchg   r8,rm8        86 /r
xchg   rv,rmv        87 /r
xchg   rm8,r8        86 /r
xchg   rmv,rv        87 /r
test   rm8,r8        84 /r
test   rmv,rv        85 /r
test   al,imm8       A8 ib
test   av,immv       A9 iv
test   rm8,imm8      F6 /0 ib
test   rmv,immv      F7 /0 iv
inc    rv            40 +r
inc    rm8           FE /0
inc    rmv           FF /0
dec    rv            48 +r
dec    rm8           FE /1
dec    rmv           FF /1
not    rm8           F6 /2
not    rmv           F7 /2
neg    rm8           F6 /3
neg    rmv           F7 /3
mul    rm8           F6 /4
mul    rmv           F7 /4
div    rm8           F6 /6
div    rmv           F7 /6
push   rv            50 +r
push   es            06
push   cs            0E
push   ss            16
push   ds            1E
push   rmv           FF /6
push   simm8         6A ib
push   imm16         68 iw
pop    rv            58 +r
pop    es            07
pop    ss            17
pop    ds            1F
pop    rmv           8F /0
pusha                60
popa                 61
pushad               66 60
popad                66 61
pushf                9C
popf                 9D
pushfd               66 9C
popfd                66 9D
jmp    rel8          EB cb
jmp    relv          E9 cv
jmp    far           EA iw iw
jmp    rm16          FF /4
call   relv          E8 cv
call   rm16          FF /2
ret                  C3
retf                 CB
iret                 CF
loop   rel8          E2 cb
jcxz   rel8          E3 cb
int    imm8          CD ib
in     al,imm8       E4 ib
in     al,dx         EC
in     av,dx         ED
out    imm8,al       E6 ib
out    dx,al         EE
out    dx,av         EF
movsb                A4
movsw                A5
movsd                66 A5
cmpsb                A6
cmpsw                A7
stosb                AA
stosw                AB
stosd                66 AB
lodsb                AC
lodsw                AD
lodsd                66 AD
scasb                AE
scasw                AF
insw                 6D
outsw                6F
cbw                  98
cwd                  99
clc                  F8
stc                  F9
cmc                  F5
cli                  FA
sti                  FB
cld                  FC
std                  FD
hlt                  F4
nop                  90
cpuid                0F A2
rdtsc                0F 31
`

/** The eight operations of opcodes 00h-3Fh, numbered as in the /digit of 80h-83h (volume 2, appendix A.4.2). */
const ARITHMETIC = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp']

/** The /digit of C0h, C1h, D0h-D3h (same table). */
const SHIFTS: Record<string, number> = { rol: 0, ror: 1, rcl: 2, rcr: 3, shl: 4, shr: 5, sar: 7 }

/** Condition codes: volume 2, appendix B, table B-8. */
const CONDITIONS: Record<string, number> = {
  o: 0,
  no: 1,
  b: 2,
  c: 2,
  ae: 3,
  nc: 3,
  e: 4,
  z: 4,
  ne: 5,
  nz: 5,
  be: 6,
  a: 7,
  s: 8,
  ns: 9,
  l: 12,
  ge: 13,
  le: 14,
  g: 15,
}

/** Upper case only: `cb` is a branch distance, `CB` an opcode. */
const OPCODE_BYTE = /^[0-9A-F]{2}$/

export interface Form {
  readonly mnemonic: string
  readonly operands: readonly string[]
  readonly opcode: readonly number[]
  /** `/r`, an opcode extension, or the register inside the opcode. */
  readonly modrm?: 'r' | number | 'opcode'
  readonly follows: readonly string[]
}

export const forms: ReadonlyMap<string, readonly Form[]> = byMnemonic([
  ...PLAIN.trim().split('\n').map(parseForm),
  ...ARITHMETIC.flatMap((name, digit) => arithmeticForms(name, digit)),
  ...Object.entries(SHIFTS).flatMap(([name, digit]) => shiftForms(name, digit)),
  ...Object.entries(CONDITIONS).flatMap(([name, code]) => conditionForms(name, code)),
])

function arithmeticForms(name: string, digit: number): Form[] {
  const opcode = (low: number) => hex(digit * 8 + low)
  return [
    `${name} rm8,r8 ${opcode(0)} /r`,
    `${name} rmv,rv ${opcode(1)} /r`,
    `${name} r8,rm8 ${opcode(2)} /r`,
    `${name} rv,rmv ${opcode(3)} /r`,
    `${name} al,imm8 ${opcode(4)} ib`,
    `${name} rmv,simm8 83 /${digit} ib`,
    `${name} av,immv ${opcode(5)} iv`,
    `${name} rm8,imm8 80 /${digit} ib`,
    `${name} rmv,immv 81 /${digit} iv`,
  ].map(parseForm)
}

function shiftForms(name: string, digit: number): Form[] {
  return [
    `${name} rm8,1 D0 /${digit}`,
    `${name} rmv,1 D1 /${digit}`,
    `${name} rm8,cl D2 /${digit}`,
    `${name} rmv,cl D3 /${digit}`,
    `${name} rm8,imm8 C0 /${digit} ib`,
    `${name} rmv,imm8 C1 /${digit} ib`,
  ].map(parseForm)
}

function conditionForms(name: string, code: number): Form[] {
  return [`j${name} rel8 ${hex(0x70 + code)} cb`, `j${name} relv 0F ${hex(0x80 + code)} cv`].map(parseForm)
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0')
}

function parseForm(line: string): Form {
  const words = line.trim().split(/\s+/)
  const mnemonic = words.shift()!
  const operands = OPCODE_BYTE.test(words[0]!) ? [] : words.shift()!.split(',')
  const opcode = words.filter((word) => OPCODE_BYTE.test(word)).map((word) => Number.parseInt(word, 16))
  const follows = words.filter((word) => /^[ico][bwv]$/.test(word))
  const marker = words.find((word) => /^[/+]/.test(word))
  const modrm = marker === '/r' ? 'r' : marker === '+r' ? 'opcode' : marker && Number(marker.slice(1))
  return { mnemonic, operands, opcode, follows, ...(modrm !== undefined && modrm !== '' && { modrm }) }
}

function byMnemonic(all: readonly Form[]): Map<string, Form[]> {
  const table = new Map<string, Form[]>()
  for (const form of all) table.set(form.mnemonic, [...(table.get(form.mnemonic) ?? []), form])
  return table
}
