; The master boot record of our sample disks: finds the active partition, reads its first sector to 0:7C00h and
; jumps there with DL = the drive and DS:SI = the partition's entry, as every boot sector since DOS expects.
; The partition table (offset 1BEh) and the signature are filled in by src/sample/partition.ts.

RELOCATED equ 0x0600
TABLE     equ RELOCATED + 0x1be
ENTRIES   equ 4
LOAD      equ 0x7c00

      org RELOCATED
      cli
      xor ax, ax
      mov ds, ax
      mov es, ax
      mov ss, ax
      mov sp, LOAD
      mov si, LOAD            ; the BIOS put us here; make room for the partition's boot sector
      mov di, RELOCATED
      mov cx, 256
      cld
      rep movsw
      jmp 0:relocated

relocated:
      sti
      mov si, TABLE
      mov cx, ENTRIES
.look:
      cmp byte [si], 0x80
      je .active
      add si, 16
      loop .look
      mov si, no_active
      jmp fail

.active:
      mov eax, [si + 8]       ; first sector of the partition
      mov [packet.sector], eax
      push si
      mov ah, 0x42            ; extended read (Enhanced Disk Drive Services, version 1)
      mov si, packet
      int 0x13
      pop si
      jc .unreadable
      cmp word [LOAD + 510], 0xaa55
      jne .unreadable
      jmp 0:LOAD
.unreadable:
      mov si, unreadable

fail:                         ; SI = text
      lodsb
      test al, al
      jz .stop
      mov ah, 0x0e
      mov bx, 7
      int 0x10
      jmp fail
.stop:
      hlt
      jmp .stop

no_active:  db "No active partition on this disk.", 0
unreadable: db "The active partition cannot be read.", 0

      align 4
packet:                       ; disk address packet
      db 16, 0
      dw 1                    ; sectors
      dw LOAD, 0              ; to offset, segment
.sector:
      dd 0, 0

      times 440 - ($ - $$) db 0
