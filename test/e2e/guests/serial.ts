import { assemble } from '../../../src/sample/assembler/index.ts'

/**
 * A guest in one boot sector that obeys single letters on COM1: `r` prints 8 bytes of the disk's second sector,
 * `w` overwrites it, `b` reboots, `o` powers off by ACPI.
 */
const SOURCE = `
        org 0x7c00
COM1    equ 0x3f8
BUFFER  equ 0x8000
start:  cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        sti
        mov [drive], dl
        mov si, ready
        call puts
next:   mov dx, COM1 + 5
wait:   in al, dx
        test al, 1
        jz wait
        mov dx, COM1
        in al, dx
        cmp al, 'r'
        je show
        cmp al, 'w'
        je store
        cmp al, 'b'
        je reboot
        cmp al, 'o'
        je off
        jmp next

show:   mov ax, 0x0201
        call sector
        mov si, BUFFER
        mov byte [BUFFER + 8], 10
        mov byte [BUFFER + 9], 0
        jc failed
        call puts
        jmp next

store:  mov si, written
        mov di, BUFFER
        mov cx, 8
        rep movsb
        mov ax, 0x0301
        call sector
        jc failed
        mov si, stored
        call puts
        jmp next

failed: mov si, error
        call puts
        jmp next

; INT 13h function ah on cylinder 0, head 0, sector 2
sector: mov bx, BUFFER
        mov cx, 2
        mov dh, 0
        mov dl, [drive]
        int 0x13
        ret

reboot: mov al, 0xfe
        out 0x64, al
        jmp next

; PM1a_CNT of the PIIX4 as SeaBIOS places it, SLP_EN with the SLP_TYP of S5
off:    mov dx, 0x604
        mov ax, 0x2000
        out dx, ax
        jmp next

puts:   lodsb
        test al, al
        jz .end
        mov dx, COM1
        out dx, al
        jmp puts
.end:   ret

drive:  db 0
ready:  db "READY", 10, 0
written: db "WRITTEN!"
stored: db "STORED", 10, 0
error:  db "ERROR", 10, 0
        times 510 - ($ - $$) db 0
        dw 0xaa55
`

/** Two sectors: the program, and what `r` prints at first. */
export function serialGuest(text = 'ORIGINAL'): Uint8Array {
  const image = new Uint8Array(1024)
  image.set(assemble(SOURCE, { path: 'serial-guest' }).bytes)
  image.set(Buffer.from(text, 'ascii'), 512)
  return image
}
