; The NE2000: a DP8390 network controller (National Semiconductor DP8390D data sheet, section 10) with 16 KB of
; memory of its own at 4000h, reached byte by byte through a data port. On PCI it is the RTL8029.

ne2000_name: db "NE2000", 0

NE_COMMAND  equ 0x00
NE_PSTART   equ 0x01          ; first page of the receive ring
NE_PSTOP    equ 0x02          ; the page behind its last
NE_BOUNDARY equ 0x03          ; last page that we have read
NE_TPSR     equ 0x04          ; page to send from
NE_TBCR     equ 0x05          ; bytes to send (two registers)
NE_ISR      equ 0x07
NE_RSAR     equ 0x08          ; remote DMA: address (two registers)
NE_RBCR     equ 0x0a          ; remote DMA: count (two registers)
NE_RCR      equ 0x0c
NE_TCR      equ 0x0d
NE_DCR      equ 0x0e
NE_IMR      equ 0x0f
NE_DATA     equ 0x10
NE_RESET    equ 0x1f
NE_PAR      equ 0x01          ; page 1: our address (six registers)
NE_CURRENT  equ 0x07          ; page 1: the page that the next frame goes to

; Commands: bits 6-7 the register page, 3-5 remote DMA (4 = none), 2 send, 1 start, 0 stop.
NE_STOP     equ 0x21
NE_RUN      equ 0x22
NE_PAGE1    equ 0x62
NE_READ     equ 0x0a
NE_WRITE    equ 0x12
NE_TRANSMIT equ 0x26

TX_PAGE     equ 0x40
RX_START    equ 0x46
RX_STOP     equ 0x80
ISA_IO      equ 0x300

; DI = the kind when a card answers at the address that ISA cards come with, else 0.
ne2000_probe:
      mov word [nic_io], ISA_IO
      mov ax, NE_COMMAND << 8 | NE_STOP
      call ne_out
      call ne_in              ; AH still names the command register
      mov di, nic_kinds_isa
      cmp al, NE_STOP
      je .done
      xor di, di
.done:
      ret

nic_kinds_isa:
      dd 0
      dw ne2000_name, ne2000_start, ne2000_send, ne2000_receive

ne2000_start_pci:
      call pci_take_io
; CF = 1 when the card does not answer.
ne2000_start:
      mov ah, NE_RESET
      call ne_in
      call ne_out
      mov si, .stopped
      call ne_list
      mov ax, 0               ; the address lies in the card's PROM, each byte twice
      mov cx, 32
      call ne_address
      mov ax, NE_COMMAND << 8 | NE_READ
      call ne_out
      mov di, nic_mac
      mov cx, 6
      mov ah, NE_DATA
.prom:
      call ne_in
      stosb
      call ne_in
      loop .prom
      mov ax, NE_COMMAND << 8 | NE_PAGE1 - NE_RUN + NE_STOP
      call ne_out
      mov si, nic_mac
      mov cx, 6
      mov ah, NE_PAR
.par: lodsb
      call ne_out
      inc ah
      loop .par
      mov si, .running
      call ne_list
      mov byte [ne_next], RX_START + 1
      mov eax, [nic_mac]
      cmp eax, -1             ; nothing there reads as ones
      je .dead
      clc
      ret
.dead:
      stc
      ret
.stopped:                     ; register, value
      db NE_COMMAND, NE_STOP
      db NE_DCR, 0x48         ; bytes, no loopback
      db NE_RBCR, 0, NE_RBCR + 1, 0
      db NE_RCR, 0x04         ; take what is for us and broadcasts
      db NE_TCR, 0x02         ; loopback until we are ready
      db NE_TPSR, TX_PAGE, NE_PSTART, RX_START, NE_BOUNDARY, RX_START, NE_PSTOP, RX_STOP
      db NE_ISR, 0xff, NE_IMR, 0
      db 0xff
.running:
      db NE_CURRENT, RX_START + 1
      db NE_COMMAND, NE_RUN
      db NE_TCR, 0
      db 0xff

; AL to register AH.
ne_out:
      push dx
      mov dx, [nic_io]
      add dl, ah
      out dx, al
      pop dx
      ret

; AL = register AH.
ne_in:
      push dx
      mov dx, [nic_io]
      add dl, ah
      in al, dx
      pop dx
      ret

; Pairs of register and value at SI, up to FFh.
ne_list:
      lodsb
      cmp al, 0xff
      je .done
      mov ah, al
      lodsb
      call ne_out
      jmp ne_list
.done:
      ret

; Points remote DMA at CX bytes from address AX of the card.
ne_address:
      push bx
      mov bx, ax
      mov al, bl
      mov ah, NE_RSAR
      call ne_out
      mov al, bh
      inc ah
      call ne_out
      mov al, cl
      mov ah, NE_RBCR
      call ne_out
      mov al, ch
      inc ah
      call ne_out
      pop bx
      ret

ne2000_send:                  ; CX bytes at SI
      push cx
      mov ax, TX_PAGE << 8
      call ne_address
      mov ax, NE_COMMAND << 8 | NE_WRITE
      call ne_out
      mov dx, [nic_io]
      add dx, NE_DATA
.copy:
      lodsb
      out dx, al
      loop .copy
      pop cx
      mov al, cl
      mov ah, NE_TBCR
      call ne_out
      mov al, ch
      inc ah
      call ne_out
      mov ax, NE_COMMAND << 8 | NE_TRANSMIT
      call ne_out
      mov cx, 0xffff          ; wait until it is on the wire, but not for ever
.wait:
      mov ah, NE_COMMAND
      call ne_in
      test al, 0x04
      jz .sent
      loop .wait
.sent:
      ret

; CX bytes to RECEIVED, or CF = 1.
ne2000_receive:
      mov ax, NE_COMMAND << 8 | NE_PAGE1
      call ne_out
      mov ah, NE_CURRENT
      call ne_in
      mov bl, al
      mov ax, NE_COMMAND << 8 | NE_RUN
      call ne_out
      cmp bl, [ne_next]
      je .empty
      mov ah, [ne_next]       ; the card's header: status, next page, length with the header itself
      mov al, 0
      mov cx, 4
      mov di, SCRATCH
      call ne_fetch
      mov cx, [SCRATCH + 2]
      sub cx, 4
      cmp cx, MAX_FRAME + 4   ; some cards count the checksum
      ja .broken
      mov bl, [SCRATCH + 1]
      cmp bl, RX_START
      jb .broken
      cmp bl, RX_STOP
      ja .broken
      mov ah, [ne_next]
      mov al, 4
      mov di, RECEIVED
      push cx
      call ne_fetch
      pop cx
      cmp bl, RX_STOP
      jne .inside
      mov bl, RX_START
.inside:
      mov [ne_next], bl
      dec bl                  ; the boundary stays one page behind
      cmp bl, RX_START
      jae .boundary
      mov bl, RX_STOP - 1
.boundary:
      mov al, bl
      mov ah, NE_BOUNDARY
      call ne_out
      clc
      ret
.broken:                      ; the ring overflowed or makes no sense: begin again
      call ne2000_start
.empty:
      stc
      ret

; CX bytes from address AX of the card to DI; the card wraps at the end of its ring.
ne_fetch:
      call ne_address
      mov ax, NE_COMMAND << 8 | NE_READ
      call ne_out
      mov dx, [nic_io]
      add dx, NE_DATA
.copy:
      in al, dx
      stosb
      loop .copy
      ret
