import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { toHex, VivariumError } from '../../base/index.ts'
import { assemble } from './assemble.ts'

const hexOf = (source: string): string => toHex(assemble(source, { path: 'test.asm' }).bytes)

/** Source, our bytes, and what GNU objdump must read in them. Sorted like the instruction table. */
const ENCODINGS: readonly (readonly [string, string, string])[] = [
  ['mov al, 7', 'b007', 'mov al,0x7'],
  ['mov ax, 0x1234', 'b83412', 'mov ax,0x1234'],
  ['mov eax, 0x12345678', '66b878563412', 'mov eax,0x12345678'],
  ['mov bx, cx', '89cb', 'mov bx,cx'],
  ['mov edx, esi', '6689f2', 'mov edx,esi'],
  ['mov al, [0x46c]', 'a06c04', 'mov al,ds:0x46c'],
  ['mov [es:0x10], eax', '2666a31000', 'mov es:0x10,eax'],
  ['mov cl, [0x46c]', '8a0e6c04', 'mov cl,BYTE PTR ds:0x46c'],
  ['mov ax, [es:di+4]', '268b4504', 'mov ax,WORD PTR es:[di+0x4]'],
  ['mov [bx+si], dl', '8810', 'mov BYTE PTR [bx+si],dl'],
  ['mov [bp], ax', '894600', 'mov WORD PTR [bp+0x0],ax'],
  ['mov ax, [bp+di-300]', '8b83d4fe', 'mov ax,WORD PTR [bp+di-0x12c]'],
  ['mov byte [si+1], 9', 'c6440109', 'mov BYTE PTR [si+0x1],0x9'],
  ['mov word [0x500], 9', 'c70600050900', 'mov WORD PTR ds:0x500,0x9'],
  ['mov dword [di], 9', '66c70509000000', 'mov DWORD PTR [di],0x9'],
  ['mov ds, ax', '8ed8', 'mov ds,ax'],
  ['mov ax, es', '8cc0', 'mov ax,es'],
  ['movzx eax, byte [bx]', '660fb607', 'movzx eax,BYTE PTR [bx]'],
  ['movzx eax, cx', '660fb7c1', 'movzx eax,cx'],
  ['lea si, [bx+di+2]', '8d7102', 'lea si,[bx+di+0x2]'],
  ['les di, [bx]', 'c43f', 'les di,DWORD PTR [bx]'],
  ['lds si, [0x10]', 'c5361000', 'lds si,DWORD PTR ds:0x10'],
  ['xchg al, ah', '86c4', 'xchg ah,al'],
  ['xchg bx, cx', '87d9', 'xchg cx,bx'],
  ['xchg ax, si', '96', 'xchg si,ax'],
  ['xchg edx, eax', '6692', 'xchg edx,eax'],
  ['xchg eax, [0x10]', '6687061000', 'xchg DWORD PTR ds:0x10,eax'],
  ['test al, 0x20', 'a820', 'test al,0x20'],
  ['test eax, 1', '66a901000000', 'test eax,0x1'],
  ['test byte [di], 1', 'f60501', 'test BYTE PTR [di],0x1'],
  ['test cx, cx', '85c9', 'test cx,cx'],
  ['inc si', '46', 'inc si'],
  ['inc ecx', '6641', 'inc ecx'],
  ['inc byte [0x10]', 'fe061000', 'inc BYTE PTR ds:0x10'],
  ['dec word [di]', 'ff0d', 'dec WORD PTR [di]'],
  ['dec al', 'fec8', 'dec al'],
  ['not al', 'f6d0', 'not al'],
  ['neg ax', 'f7d8', 'neg ax'],
  ['mul bx', 'f7e3', 'mul bx'],
  ['mul ecx', '66f7e1', 'mul ecx'],
  ['div cl', 'f6f1', 'div cl'],
  ['div ebx', '66f7f3', 'div ebx'],
  ['push ax', '50', 'push ax'],
  ['push es', '06', 'push es'],
  ['push 5', '6a05', 'push 0x5'],
  ['push 0x1234', '683412', 'push 0x1234'],
  ['push dword [si]', '66ff34', 'push DWORD PTR [si]'],
  ['pop ds', '1f', 'pop ds'],
  ['pop edi', '665f', 'pop edi'],
  ['pusha', '60', 'pusha'],
  ['popad', '6661', 'popad'],
  ['pushf', '9c', 'pushf'],
  ['popfd', '669d', 'popfd'],
  ['jmp bx', 'ffe3', 'jmp bx'],
  ['jmp word [bx+2]', 'ff6702', 'jmp WORD PTR [bx+0x2]'],
  ['jmp 0xf000:0xfff0', 'eaf0ff00f0', 'jmp 0xf000:0xfff0'],
  ['call word [0x20]', 'ff162000', 'call WORD PTR ds:0x20'],
  ['ret', 'c3', 'ret'],
  ['retf', 'cb', 'retf'],
  ['iret', 'cf', 'iret'],
  ['int 0x13', 'cd13', 'int 0x13'],
  ['in al, 0x60', 'e460', 'in al,0x60'],
  ['in al, dx', 'ec', 'in al,dx'],
  ['in eax, dx', '66ed', 'in eax,dx'],
  ['out 0x20, al', 'e620', 'out 0x20,al'],
  ['out dx, al', 'ee', 'out dx,al'],
  ['out dx, ax', 'ef', 'out dx,ax'],
  ['rep movsb', 'f3a4', 'rep movs BYTE PTR es:[di],BYTE PTR ds:[si]'],
  ['repe cmpsb', 'f3a6', 'repz cmps BYTE PTR ds:[si],BYTE PTR es:[di]'],
  ['rep stosw', 'f3ab', 'rep stos WORD PTR es:[di],ax'],
  ['stosd', '66ab', 'stos DWORD PTR es:[di],eax'],
  ['lodsb', 'ac', 'lods al,BYTE PTR ds:[si]'],
  ['lodsd', '66ad', 'lods eax,DWORD PTR ds:[si]'],
  ['repne scasb', 'f2ae', 'repnz scas al,BYTE PTR es:[di]'],
  ['insw', '6d', 'ins WORD PTR es:[di],dx'],
  ['outsw', '6f', 'outs dx,WORD PTR ds:[si]'],
  ['cbw', '98', 'cbw'],
  ['cwd', '99', 'cwd'],
  ['hlt', 'f4', 'hlt'],
  ['cpuid', '0fa2', 'cpuid'],
  ['rdtsc', '0f31', 'rdtsc'],
  ['add al, 7', '0407', 'add al,0x7'],
  ['add bx, 7', '83c307', 'add bx,0x7'],
  ['add bx, 0x700', '81c30007', 'add bx,0x700'],
  ['add ax, 0x700', '050007', 'add ax,0x700'],
  ['adc edx, 0', '6683d200', 'adc edx,0x0'],
  ['sbb cl, ch', '18e9', 'sbb cl,ch'],
  ['and ax, 0xfffc', '83e0fc', 'and ax,0xfffc'],
  ['and eax, 0xfffc', '6625fcff0000', 'and eax,0xfffc'],
  ['sub si, [bx]', '2b37', 'sub si,WORD PTR [bx]'],
  ['xor eax, eax', '6631c0', 'xor eax,eax'],
  ['or byte [si], 0x80', '800c80', 'or BYTE PTR [si],0x80'],
  ['cmp word [0x10], -1', '833e1000ff', 'cmp WORD PTR ds:0x10,0xffff'],
  ['cmp ah, [di+1]', '3a6501', 'cmp ah,BYTE PTR [di+0x1]'],
  ['shl ax, 1', 'd1e0', 'shl ax,1'],
  ['shr eax, 11', '66c1e80b', 'shr eax,0xb'],
  ['ror dx, cl', 'd3ca', 'ror dx,cl'],
  ['rol byte [di], 4', 'c00504', 'rol BYTE PTR [di],0x4'],
  ['sar bx, 2', 'c1fb02', 'sar bx,0x2'],
  ['rcr al, 1', 'd0d8', 'rcr al,1'],
]

test('every encoding is the one of the manual', () => {
  for (const [source, bytes] of ENCODINGS) assert.equal(hexOf(source), bytes, source)
})

test('GNU objdump reads the same instructions in the bytes', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-assembler-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'code.bin')
  writeFileSync(file, assemble(ENCODINGS.map(([source]) => source).join('\n'), { path: 'all.asm' }).bytes)
  let listing: string
  try {
    listing = execFileSync('objdump', ['-D', '-b', 'binary', '-mi8086', '-Mintel', file], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch {
    t.skip('objdump is not installed (Debian package binutils)')
    return
  }
  const read = [...listing.matchAll(/^\s*[0-9a-f]+:\t[0-9a-f ]+\t(.*?)\s*$/gm)].map((match) =>
    match[1]!.replace(/\s+/g, ' '),
  )
  assert.deepEqual(
    read,
    ENCODINGS.map(([, , text]) => text),
  )
})

test('branches are short where they reach and grow where they do not', () => {
  assert.equal(hexOf('here: jmp here'), 'ebfe')
  assert.equal(hexOf('jz end\nnop\nend:'), '740190')
  const far = hexOf('jz end\njmp end\ntimes 200 db 0x90\nend: ret')
  assert.equal(far.slice(0, 14), '0f84cb00e9c800')
  assert.equal(hexOf('call end\nend: loop end'), 'e80000e2fe')
})

test('a branch that grows pushes another out of reach', () => {
  // `jz last` spans 126 bytes while `jz far` is short, 128 once it has grown.
  const source = 'first: jz last\ntimes 124 db 0x90\njz far\nlast: ret\ntimes 200 db 0\nfar: ret'
  const { symbols, bytes } = assemble(source, { path: 'grow.asm' })
  assert.equal(bytes[symbols.get('last')!], 0xc3)
  assert.equal(toHex(bytes.subarray(0, 4)), '0f848000')
})

test('labels, local labels, equ, org, data, times, align and expressions', () => {
  const source = `
PORT  equ 0x300 + 2 * 8         ; a constant
      org 0x7c00
start:
      mov dx, PORT
.loop:
      jmp .loop
next:
.loop:
      jmp .loop
text: db 'A;B', "it's", 13, 0, 0
SIZE  equ $ - text
      align 4
      dw SIZE, start, 'ab'
      dd next << 16 | 1
      times 3 db 1, 2
`
  const { bytes, origin, symbols } = assemble(source, { path: 'data.asm' })
  assert.equal(origin, 0x7c00)
  assert.equal(symbols.get('next.loop'), 0x7c05)
  assert.equal(
    toHex(bytes),
    'ba1003ebfeebfe413b4269742773' + '0d0000909090' + '0a00007c6162' + '0100057c' + '010201020102',
  )
})

test('include brings in another file and keeps its name for errors', () => {
  const include = () => 'nop\n bogus ax'
  assert.throws(
    () => assemble("ret\n%include 'part.asm'", { path: 'main.asm', include }),
    (error: unknown) =>
      error instanceof VivariumError && error.where.path === 'part.asm' && error.where.field === 'line 2',
  )
})

test('what is wrong is said with its line', () => {
  const wrong: Record<string, RegExp> = {
    'mov [0x500], 5': /size/,
    'shl [bx], cl': /size/,
    'mov al, 300': /300 does not fit in 1 byte/,
    'mov ax, nowhere': /"nowhere" is not defined/,
    'mov ax, [ax]': /"ax" is not defined/,
    'mov ax, [si+di]': /16-bit processor/,
    'mov al, bx': /does not take these operands/,
    'frobnicate ax': /not an instruction/,
    'a: nop\na: nop': /defined twice/,
    'loop far\ntimes 200 db 0\nfar:': /cannot reach/,
    'times 70000 db 0': /between 0 and 65536/,
    'db (1': /closing parenthesis/,
    'db 1 2': /not expected/,
    'db 1 / 0': /whole number/,
  }
  for (const [source, message] of Object.entries(wrong)) {
    assert.throws(
      () => hexOf(source),
      (error: unknown) => error instanceof VivariumError && message.test(error.message),
      source,
    )
  }
})

test('any text assembles or fails as a VivariumError', () => {
  const word = fc.constantFrom(
    ...['mov', 'ax', '[', ']', 'bx+si', ',', '5', 'l:', 'l', 'db', 'times', "'", ';', '\n', 'equ', '$'],
    ...['-', '(', ')', 'byte', 'jmp', ':', 'org', 'rep', '%include', '"', '<<', 'dword', 'es', 'align'],
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      try {
        assemble(words.join(' '), { path: 'fuzz.asm' })
      } catch (error) {
        if (!(error instanceof VivariumError)) throw error
      }
    }),
  )
})
