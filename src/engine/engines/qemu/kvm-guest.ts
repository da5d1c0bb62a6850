import { fromHex } from '../../../base/index.ts'

/**
 * The guest that proves KVM: a boot sector that does, in small, what operating systems do and a broken KVM
 * fails at: protected mode, paging, a long loop that has to run on the processor itself, the x87 unit. Then it
 * writes 0x21 to the isa-debug-exit device, which ends QEMU with status 2 * 0x21 + 1.
 *
 * Seen in the wild: a /dev/kvm that runs real mode, 40 times slower than TCG, and never ends the loop.
 */
export const KVM_GUEST_EXIT_PORT = 0xf4
export const KVM_GUEST_EXIT_STATUS = 67

const LISTING = [
  // 16-bit, at 0x7c00
  'fa                   cli',
  '31c0                 xor ax, ax',
  '8ed8 8ec0 8ed0       mov ds, ax / mov es, ax / mov ss, ax',
  'bc007c               mov sp, 0x7c00',
  'bf0080 b90008 f3ab   page directory at 0x8000: mov di, 0x8000 / mov cx, 2048 / rep stosw',
  '66c706008083000000   first entry, one present writable page of 4 MiB: mov dword [0x8000], 0x83',
  '0f20e0 6683c810 0f22e0  CR4.PSE: mov eax, cr4 / or eax, 0x10 / mov cr4, eax',
  '66b800800000 0f22d8  mov eax, 0x8000 / mov cr3, eax',
  '0f0116987c           lgdt [0x7c98]',
  '0f20c0 660d01000080 0f22c0  CR0.PE and CR0.PG: mov eax, cr0 / or eax, 0x80000001 / mov cr0, eax',
  'ea467c0800           jmp 8:0x7c46',
  // 32-bit
  '66b81000 8ed8 8ec0 8ed0  mov ax, 16 / mov ds, ax / mov es, ax / mov ss, ax',
  'b9002d3101           mov ecx, 20000000',
  '01cb                 again: add ebx, ecx',
  '69db0d661900         imul ebx, ebx, 1664525',
  '49                   dec ecx',
  '75f5                 jnz again',
  'dbe3 d9eb            fninit / fldpi',
  'dd1d00900000         fstp qword [0x9000]',
  'b021                 mov al, 0x21',
  '813d04900000fb210940 is it pi? cmp dword [0x9004], 0x400921fb',
  '7402                 je done',
  'b011                 mov al, 0x11',
  '66baf400 ee          done: mov dx, 0xf4 / out dx, al',
  'f4                   hlt',
  // the global descriptor table at 0x7c80: null, code, data, both flat; then what lgdt loads
  '0000000000000000     null',
  'ffff0000009acf00     base 0, limit 4 GiB, code',
  'ffff00000092cf00     base 0, limit 4 GiB, data',
  '1700 807c0000        gdtr: limit 23, address 0x7c80',
]

/** One sector. */
export function kvmGuest(): Uint8Array {
  const sector = new Uint8Array(512)
  let at = 0
  for (const line of LISTING) {
    const code = fromHex(/^(?:[0-9a-f]+ )+/.exec(line)![0].replaceAll(' ', ''))!
    sector.set(code, at)
    at += code.length
  }
  sector.set([0x55, 0xaa], 510)
  return sector
}
