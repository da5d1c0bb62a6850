; A DHCP client (RFC 2131): DISCOVER, OFFER, REQUEST, ACK in the background, between one tick and the next. When
; nobody answers it says so once and keeps asking, ever more rarely; half-way through the lease it asks again.

DHCP_OFF        equ 0
DHCP_SELECTING  equ 1         ; DISCOVER sent
DHCP_REQUESTING equ 2         ; REQUEST sent
DHCP_BOUND      equ 3
DHCP_RENEWING   equ 4

DISCOVER        equ 1
OFFER           equ 2
REQUEST         equ 3
ACK             equ 5
NAK             equ 6

; Offsets from the start of the BOOTP message (RFC 951, RFC 2131 section 2).
BOOTP           equ UDP + 8
XID             equ 4
FLAGS           equ 10
CIADDR          equ 12
YIADDR          equ 16
CHADDR          equ 28
COOKIE          equ 236
OPTIONS         equ 240
BOOTP_SIZE      equ 300       ; the least that every relay and server takes
DHCP_FRAME      equ BOOTP + BOOTP_SIZE
MAGIC           equ 0x63538263

TICKS_A_SECOND  equ 18
FIRST_WAIT      equ 2 * TICKS_A_SECOND
LONGEST_WAIT    equ 4         ; doublings: 2, 4, 8, 16, 32 seconds
MAX_LEASE       equ 0x01000000 ; seconds; longer ones count as this long

dhcp_start:
      mov eax, [nic_mac + 2]
      xor eax, [BIOS_TICKS]   ; machines that start together must not use one number
      mov [dhcp_xid], eax
      mov byte [dhcp_quiet], 0
      call say
      db "          asking for an address (DHCP) ...", 10, 0
; A new beginning, silently.
dhcp_discover:
      inc dword [dhcp_xid]
      mov byte [dhcp_state], DHCP_SELECTING
      mov byte [dhcp_tries], 0
      jmp dhcp_send

; Sends what the state asks for and sets the time to do it again.
dhcp_send:
      call dhcp_build
      mov si, SENDING
      mov cx, DHCP_FRAME
      call network_send
      mov cl, [dhcp_tries]
      cmp cl, LONGEST_WAIT
      jb .short
      mov cl, LONGEST_WAIT
.short:
      mov eax, FIRST_WAIT
      shl eax, cl
      add eax, [uptime_ticks]
      mov [dhcp_deadline], eax
      inc byte [dhcp_tries]
      ret

; Time passes.
dhcp_poll:
      cmp byte [dhcp_state], DHCP_OFF
      je .done
      mov eax, [uptime_ticks]
      cmp eax, [dhcp_deadline]
      jb .done
      mov al, [dhcp_state]
      cmp al, DHCP_BOUND
      je .renew
      cmp al, DHCP_RENEWING
      je .renewing
      cmp al, DHCP_REQUESTING
      je .forgotten
      cmp byte [dhcp_tries], 2
      jb dhcp_send
      cmp byte [dhcp_quiet], 0
      jne dhcp_send
      mov byte [dhcp_quiet], 1
      call notice_begin
      call say
      db COLOUR, WARNING, "No DHCP server answers; I keep asking in the background.", COLOUR, PLAIN, 10, 0
      call notice_end
      jmp dhcp_send
.forgotten:
      cmp byte [dhcp_tries], 3
      jb dhcp_send
      jmp dhcp_discover
.renew:
      mov byte [dhcp_state], DHCP_RENEWING
      mov byte [dhcp_tries], 0
      jmp dhcp_send
.renewing:
      mov eax, [uptime_ticks]
      cmp eax, [dhcp_expiry]
      jb dhcp_send
      call notice_begin
      call say
      db COLOUR, WARNING, "The lease has ended and nobody renewed it.", COLOUR, PLAIN, 10, 0
      call notice_end
      jmp dhcp_discover
.done:
      ret

; Builds the message of the state at SENDING.
dhcp_build:
      mov di, SENDING
      mov cx, DHCP_FRAME
      xor al, al
      rep stosb
      mov di, SENDING + ETHER_TO
      mov cx, 6
      mov al, 0xff
      rep stosb
      call copy_mac
      mov si, .headers
      mov cx, .headers_end - .headers
      rep movsb
      mov eax, [dhcp_xid]
      mov [SENDING + BOOTP + XID], eax
      mov byte [SENDING + BOOTP + FLAGS], 0x80    ; answer by broadcast: we have no address yet
      mov di, SENDING + BOOTP + CHADDR
      call copy_mac
      mov dword [SENDING + BOOTP + COOKIE], MAGIC
      mov di, SENDING + BOOTP + OPTIONS
      mov si, .options
      mov cx, .options_end - .options
      rep movsb
      call copy_mac           ; ends the client identifier, the last of the fixed options
      mov al, [dhcp_state]
      cmp al, DHCP_SELECTING
      je .end
      mov byte [SENDING + BOOTP + OPTIONS + 2], REQUEST
      mov eax, [lease_address]
      cmp byte [dhcp_state], DHCP_RENEWING
      je .renew
      mov word [di], 0x0432   ; requested address
      mov [di + 2], eax
      mov word [di + 6], 0x0436 ; server identifier
      mov eax, [lease_server]
      mov [di + 8], eax
      add di, 12
      jmp .end
.renew:                       ; RFC 2131, section 4.3.2, REBINDING: our address as sender, no options 50 and 54
      mov [SENDING + BOOTP + CIADDR], eax
      mov [SENDING + IP_FROM], eax
.end: mov byte [di], 0xff
; The checksum of the IP header at SENDING (RFC 1071).
      mov si, SENDING + IP
      mov cx, 10
      xor bx, bx
.sum: lodsw
      add bx, ax
      adc bx, 0
      loop .sum
      not bx
      mov [SENDING + IP_CHECKSUM], bx
      ret
.headers:
      dw TYPE_IP
      db 0x45, 0, (DHCP_FRAME - IP) >> 8, (DHCP_FRAME - IP) & 255, 0, 0, 0, 0, 64, PROTOCOL_UDP, 0, 0
      db 0, 0, 0, 0, 255, 255, 255, 255
      db 0, 68, 0, 67, (BOOTP_SIZE + 8) >> 8, (BOOTP_SIZE + 8) & 255, 0, 0
      db 1, 1, 6              ; request, Ethernet, six bytes of address
.headers_end:
.options:
      db 53, 1, DISCOVER
      db 12, 5, "hello"
      db 55, 5, 1, 3, 6, 51, 54
      db 61, 7, 1             ; client identifier: Ethernet, and the address follows
.options_end:

; An UDP datagram of CX bytes of frame: ours when it is an answer to what we asked.
dhcp_arrived:
      mov al, [dhcp_state]
      cmp al, DHCP_OFF
      je .done
      cmp word [RECEIVED + UDP + 2], 68 << 8
      jne .done
      cmp cx, BOOTP + OPTIONS
      jbe .done
      cmp byte [RECEIVED + BOOTP], 2
      jne .done
      mov eax, [dhcp_xid]
      cmp eax, [RECEIVED + BOOTP + XID]
      jne .done
      cmp dword [RECEIVED + BOOTP + COOKIE], MAGIC
      jne .done
      push cx
      mov si, nic_mac
      mov di, RECEIVED + BOOTP + CHADDR
      mov cx, 6
      repe cmpsb
      pop cx
      jne .done
      mov byte [reply_type], 0
      mov si, RECEIVED + BOOTP + OPTIONS
      mov bp, RECEIVED
      add bp, cx              ; BP = the end
      call dhcp_options
      mov al, [reply_type]
      mov ah, [dhcp_state]
      cmp ax, DHCP_SELECTING << 8 | OFFER
      je .offer
      cmp ah, DHCP_REQUESTING
      je .answer
      cmp ah, DHCP_RENEWING
      je .answer
.done:
      ret
.offer:
      mov eax, [RECEIVED + BOOTP + YIADDR]
      mov [lease_address], eax
      mov byte [dhcp_state], DHCP_REQUESTING
      mov byte [dhcp_tries], 0
      jmp dhcp_send
.answer:
      cmp al, NAK
      je dhcp_discover
      cmp al, ACK
      jne .done
      push ax                 ; AH = the state before
      mov eax, [RECEIVED + BOOTP + YIADDR]
      mov [lease_address], eax
      mov byte [dhcp_state], DHCP_BOUND
      mov eax, [lease_seconds]
      dec eax                 ; 0, no lease time at all, counts as the longest
      cmp eax, MAX_LEASE
      jb .fits
      mov eax, MAX_LEASE
.fits:
      inc eax
      mov ebx, TICKS_A_SECOND
      mul ebx
      mov ebx, [uptime_ticks]
      add ebx, eax
      mov [dhcp_expiry], ebx
      shr eax, 1              ; T1 (RFC 2131, section 4.4.5)
      add eax, [uptime_ticks]
      mov [dhcp_deadline], eax
      pop ax
      cmp ah, DHCP_RENEWING   ; a renewal changes nothing, so it says nothing
      jne lease_report
      ret

; Reads the options from SI to BP into the lease.
dhcp_options:
.next:
      cmp si, bp
      jae .done
      lodsb
      test al, al
      jz .next                ; pad
      cmp al, 0xff
      je .done
      mov dl, al
      cmp si, bp
      jae .done
      xor ah, ah
      lodsb
      mov bx, si
      add bx, ax              ; BX = the next option
      cmp bx, bp
      ja .done                ; it would reach beyond the frame
      cmp dl, 53
      je .type
      cmp al, 4
      jb .skip
      mov di, .table
.look:
      mov cl, [di]
      test cl, cl
      jz .skip
      cmp cl, dl
      je .keep
      add di, 3
      jmp .look
.keep:
      mov di, [di + 1]
      movsd
.skip:
      mov si, bx
      jmp .next
.type:
      test al, al
      jz .skip
      mov al, [si]
      mov [reply_type], al
      jmp .skip
.done:
      mov eax, [lease_seconds_wire]
      xchg al, ah             ; network order to ours
      ror eax, 16
      xchg al, ah
      mov [lease_seconds], eax
      ret
.table:
      db 1
      dw lease_mask
      db 3
      dw lease_gateway
      db 6
      dw lease_dns
      db 54
      dw lease_server
      db 51
      dw lease_seconds_wire
      db 0

lease_report:
      call notice_begin
      call say
      db COLOUR, GOOD, "Lease     ", COLOUR, BRIGHT, 0
      mov si, lease_address
      call print_ip
      call say
      db COLOUR, PLAIN, " mask ", 0
      mov si, lease_mask
      call print_ip
      call say
      db ", gateway ", 0
      mov si, lease_gateway
      call .optional
      call say
      db ", names ", 0
      mov si, lease_dns
      call .optional
      call say
      db 10, "          from server ", 0
      mov si, lease_server
      call print_ip
      call say
      db " for ", 0
      mov eax, [lease_seconds]
      call print_decimal
      call say
      db " seconds", 10, 0
      jmp notice_end
.optional:
      cmp dword [si], 0
      jne print_ip
      call say
      db "none", 0
      ret
