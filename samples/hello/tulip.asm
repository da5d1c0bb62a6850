; The DEC 21140 and 21143 ("tulip"), the card of Virtual PC: a bus master that takes frames from descriptors in
; memory (DIGITAL Semiconductor 21143 Hardware Reference Manual, chapters 3 and 4).

tulip_name: db "DEC 21143", 0

; Command and status registers, eight bytes apart.
CSR0_BUS    equ 0 * 8
CSR1_SEND   equ 1 * 8
CSR2_POLL   equ 2 * 8
CSR3_RX     equ 3 * 8
CSR4_TX     equ 4 * 8
CSR6_MODE   equ 6 * 8
CSR7_IRQS   equ 7 * 8
CSR9_ROM    equ 9 * 8

MODE_PORT   equ 1 << 18       ; the MII port
MODE_SEND   equ 1 << 13
MODE_TAKE   equ 1 << 1

; A descriptor: status, sizes, buffer, second buffer (unused).
OWNED       equ 0x80000000    ; by the card
RING_END    equ 1 << 25
FIRST_LAST  equ 3 << 29
SETUP       equ 1 << 27
RX_ERROR    equ 1 << 15
RX_COUNT    equ 4
RX_SIZE     equ 1536

RX_RING     equ 0x1c00
TX_RING     equ RX_RING + RX_COUNT * 16
SETUP_FRAME equ TX_RING + 16
SETUP_SIZE  equ 192
RX_BUFFERS  equ 0x2000
CFDD        equ 0x40          ; configuration register: sleep and snooze modes of the 21143

tulip_start:
      call pci_take_io
      mov bx, [nic_location]
      mov al, CFDD
      xor ecx, ecx
      call pci_write          ; wake up
      mov dl, CSR0_BUS
      mov eax, 1              ; software reset
      call csr_out
      mov cx, 1000
.settle:
      in al, 0x61             ; a read of the old bus takes about a microsecond
      loop .settle
      mov dl, CSR0_BUS
      xor eax, eax
      call csr_out
      mov dl, CSR7_IRQS
      xor eax, eax
      call csr_out
      call tulip_address
      mov eax, [nic_mac]
      cmp eax, -1
      je .dead
      call tulip_rings
      mov dl, CSR6_MODE
      mov eax, MODE_PORT | MODE_SEND
      call csr_out
      call tulip_setup        ; before it hears anything, the card must know what to listen to
      mov dl, CSR6_MODE
      mov eax, MODE_PORT | MODE_SEND | MODE_TAKE
      call csr_out
      mov dl, CSR2_POLL
      call csr_out
      clc
      ret
.dead:
      stc
      ret

tulip_rings:
      mov word [tulip_next], RX_RING
      mov di, RX_RING
      mov ebx, RX_BUFFERS
      mov cx, RX_COUNT
.next:
      mov eax, OWNED
      stosd
      mov eax, RX_SIZE
      cmp cx, 1
      jne .inside
      or eax, RING_END
.inside:
      stosd
      mov eax, ebx
      stosd
      xor eax, eax
      stosd
      add ebx, RX_SIZE
      loop .next
      mov cx, 4               ; the one transmit descriptor: ours
      rep stosd
      mov dl, CSR3_RX
      mov eax, RX_RING
      call csr_out
      mov dl, CSR4_TX
      mov eax, TX_RING
      jmp csr_out

; The filter: 16 addresses, each in the low halves of three double words. Ours once, and broadcast 15 times.
tulip_setup:
      mov di, SETUP_FRAME
      mov eax, 0xffff
      mov cx, SETUP_SIZE / 4
      rep stosd
      mov si, nic_mac
      mov di, SETUP_FRAME
      mov cx, 3
.word:
      movsw
      add di, 2
      loop .word
      mov eax, SETUP | RING_END | SETUP_SIZE
      mov ebx, SETUP_FRAME
      jmp tulip_transmit

tulip_send:                   ; CX bytes at SI
      movzx eax, cx
      or eax, FIRST_LAST | RING_END
      movzx ebx, si
; Hands the card the buffer EBX with the control bits EAX and waits until it is done, but not for ever.
tulip_transmit:
      mov [TX_RING + 4], eax
      mov [TX_RING + 8], ebx
      mov dword [TX_RING], OWNED
      mov dl, CSR1_SEND
      mov eax, 1
      call csr_out
      mov cx, 0xffff
.wait:
      test byte [TX_RING + 3], 0x80
      jz .sent
      in al, 0x61
      loop .wait
.sent:
      ret

; CX bytes to RECEIVED, or CF = 1.
tulip_receive:
      mov bx, [tulip_next]
      mov eax, [bx]
      test eax, OWNED
      jnz .empty
      mov edx, eax
      shr edx, 16
      and dx, 0x3fff          ; length with the frame's checksum
      sub dx, 4
      test eax, RX_ERROR
      jnz .drop
      cmp dx, MAX_FRAME
      ja .drop
      mov si, [bx + 8]
      mov di, RECEIVED
      mov cx, dx
      rep movsb
      call .give_back
      mov cx, dx
      clc
      ret
.drop:
      call .give_back
      jmp tulip_receive
.empty:
      stc
      ret
.give_back:
      mov dword [bx], OWNED
      push dx
      mov dl, CSR2_POLL
      call csr_out
      pop dx
      add bx, 16
      cmp bx, TX_RING
      jb .inside
      mov bx, RX_RING
.inside:
      mov [tulip_next], bx
      ret

; EAX to register DL.
csr_out:
      push dx
      xor dh, dh
      add dx, [nic_io]
      out dx, eax
      pop dx
      ret

; The address from the serial ROM (a MicroWire 93C46), words 10 to 12.
ROM_SELECT  equ 0x4800        ; read, serial ROM
ROM_CHIP    equ 1
ROM_CLOCK   equ 2
ROM_IN      equ 4
ROM_OUT     equ 8
ROM_READ    equ 0x180         ; start bit, opcode 10, six bits of address

tulip_address:
      mov di, nic_mac
      mov bx, 10
.next:
      mov si, bx
      or si, ROM_READ
      mov ax, ROM_SELECT
      call rom_out
      mov ax, ROM_SELECT | ROM_CHIP
      call rom_out
      mov cx, 9               ; the command, highest bit first
.command:
      mov ax, ROM_SELECT | ROM_CHIP
      test si, 0x100
      jz .zero
      or al, ROM_IN
.zero:
      call rom_clock
      shl si, 1
      loop .command
      mov cx, 16
.data:
      mov ax, ROM_SELECT | ROM_CHIP
      call rom_clock
      shl si, 1
      test al, ROM_OUT
      jz .low
      inc si
.low: loop .data
      mov ax, ROM_SELECT
      call rom_out
      mov ax, si
      stosw
      inc bx
      cmp bx, 13
      jb .next
      ret

; One clock with the bits AX; AL = what the ROM shows while the clock is high.
rom_clock:
      push bx
      mov bx, ax
      call rom_out
      or al, ROM_CLOCK
      call rom_out
      mov dx, [nic_io]
      add dx, CSR9_ROM
      in eax, dx
      xchg ax, bx
      call rom_out
      mov ax, bx
      pop bx
      ret

rom_out:
      push eax
      movzx eax, ax
      mov dx, [nic_io]
      add dx, CSR9_ROM
      out dx, eax
      pop eax
      ret
