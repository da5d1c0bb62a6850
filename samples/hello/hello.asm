; Hello, the guest that Vivarium brings along: shows what hardware it found, asks for a DHCP lease and echoes keys.
;
; 16-bit real mode, one segment, everything by way of the BIOS except the network card, COM1 and the text screen.
; The first 512 bytes are the boot sector of the partition; it reads the rest right behind itself.
;
;   0600h  master boot record          2000h  receive buffers of the DEC card
;   0800h  variables that start at 0   3800h  scratch for BIOS calls
;   1000h  received frame              7C00h  stack (downwards), this program (upwards)
;   1600h  frame to send
;   1C00h  descriptors of the DEC card

VARIABLES equ 0x0800
RECEIVED  equ 0x1000
SENDING   equ 0x1600
SCRATCH   equ 0x3800
START     equ 0x7c00
SECTOR    equ 512

      org START
      jmp 0:boot

boot: cli
      xor ax, ax
      mov ds, ax
      mov es, ax
      mov ss, ax
      mov sp, START
      sti
      cld
      mov [boot_drive], dl
      mov eax, [si + 8]       ; our partition entry, from the master boot record
      inc eax
      mov [packet.sector], eax
      mov ah, 0x42            ; extended read (Enhanced Disk Drive Services, version 1)
      mov si, packet
      int 0x13
      jnc main
      mov si, .unreadable
.say: lodsb
      test al, al
      jz .stop
      mov ah, 0x0e
      mov bx, 7
      int 0x10
      jmp .say
.stop:
      hlt
      jmp .stop
.unreadable:
      db "Hello cannot read the rest of itself.", 0

boot_drive:
      db 0
      align 4
packet:
      db 16, 0
      dw (program_end - $$ + SECTOR - 1) / SECTOR - 1
      dw START + SECTOR, 0
.sector:
      dd 0, 0

      times 510 - ($ - $$) db 0
      dw 0xaa55

main: mov di, VARIABLES
      mov cx, variables_end - VARIABLES
      xor al, al
      rep stosb
      call clock_start
      call console_start
      call report_hardware
      call network_start
      call prompt
.idle:
      sti
      hlt                     ; the timer wakes us 18.2 times a second, a key at once
      call clock_tick
      call status_line
      call network_poll
      call keyboard_poll
      call serial_poll
      jmp .idle

%include "console.asm"
%include "numbers.asm"
%include "clock.asm"
%include "hardware.asm"
%include "pci.asm"
%include "network.asm"
%include "dhcp.asm"
%include "ne2000.asm"
%include "tulip.asm"
%include "commands.asm"
%include "power.asm"

program_end:
%include "variables.asm"
