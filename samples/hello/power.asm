; Off and on again.

APM_CONNECT equ 0x5301        ; Advanced Power Management BIOS Interface Specification 1.2, section 4.6
APM_VERSION equ 0x530e
APM_STATE   equ 0x5307
ALL_DEVICES equ 1
STATE_OFF   equ 3
PIIX4_POWER equ 0x71138086
PMBASE      equ 0x40          ; PIIX4 function 3: where its ACPI registers are
PM_CONTROL  equ 4
SLEEP       equ 0x2000        ; SLP_EN with SLP_TYP 0, which is soft off on a PIIX4

power_off:
      call leave_prompt
      call say
      db "Good bye.", 10, 0
      mov ax, APM_CONNECT
      xor bx, bx
      int 0x15
      mov ax, APM_VERSION
      xor bx, bx
      mov cx, 0x0102
      int 0x15
      mov ax, APM_STATE
      mov bx, ALL_DEVICES
      mov cx, STATE_OFF
      int 0x15
      xor bx, bx              ; the BIOS did not do it: look for the chip that can
.look:
      mov al, 0
      call pci_read
      cmp eax, PIIX4_POWER
      je .found
      inc bx
      cmp bx, 32 << 3
      jb .look
      jmp .stay
.found:
      mov al, PMBASE
      call pci_read
      and ax, 0xffc0
      jz .stay
      mov dx, ax
      add dx, PM_CONTROL
      mov ax, SLEEP
      out dx, ax
.stay:
      call say
      db "It is now safe to turn off this machine.", 10, 0
      cli
      hlt
      jmp .stay

WARM_BOOT   equ 0x472         ; BIOS data area: 1234h skips the memory test

reboot:
      mov word [WARM_BOOT], 0x1234
      mov al, 0xfe            ; the keyboard controller pulls the reset line
      out 0x64, al
      mov cx, 0xffff
.wait:
      in al, 0x61
      loop .wait
      jmp 0xffff:0
