; The card that we drive, and the two protocols that make the machine visible once it has an address: ARP (RFC 826)
; and ICMP echo (RFC 792). A frame lies at RECEIVED or SENDING and begins with its Ethernet header.

; One entry for each kind of card: PCI identity (device << 16 | vendor), name, start, send, receive.
NIC_NAME    equ 4
NIC_START   equ 6
NIC_SEND    equ 8
NIC_RECEIVE equ 10
NIC_SIZE    equ 12

nic_kinds:
      dd 0x802910ec
      dw ne2000_name, ne2000_start_pci, ne2000_send, ne2000_receive
      dd 0x00191011
      dw tulip_name, tulip_start, tulip_send, tulip_receive
      dd 0x00091011
      dw tulip_name, tulip_start, tulip_send, tulip_receive
      dd 0

; Offsets in a frame (RFC 894, RFC 791, RFC 826, RFC 792).
ETHER_TO     equ 0
ETHER_FROM   equ 6
ETHER_TYPE   equ 12
ARP_KIND     equ 20
ARP_SENDER   equ 22           ; Ethernet, then IPv4 address
ARP_TARGET   equ 32
IP           equ 14
IP_LENGTH    equ 16
IP_PROTOCOL  equ 23
IP_CHECKSUM  equ 24
IP_FROM      equ 26
IP_TO        equ 30
UDP          equ 34
ICMP         equ 34
MIN_FRAME    equ 60
MAX_FRAME    equ 1514

; Types as they lie in memory: network order seen by a little-endian processor.
TYPE_IP      equ 0x0008
TYPE_ARP     equ 0x0608
ARP_REQUEST  equ 0x0100
ARP_REPLY    equ 0x0200
PROTOCOL_ICMP equ 1
PROTOCOL_UDP equ 17

network_start:
      call say
      db COLOUR, LABEL, "Network   ", COLOUR, BRIGHT, 0
      mov di, [nic_kind]
      test di, di
      jnz .start
      call ne2000_probe       ; an ISA card at its usual address; DI = its kind or 0
      mov [nic_kind], di
      test di, di
      jz .none
.start:
      call word [di + NIC_START]
      jc .dead
      mov di, [nic_kind]
      mov si, [di + NIC_NAME]
      call print
      call say
      db COLOUR, PLAIN, " at I/O ", 0
      mov ax, [nic_io]
      call print_hex_word
      call say
      db "h, address ", 0
      mov si, nic_mac
      call print_mac
      mov al, 10
      call put
      jmp dhcp_start
.dead:
      mov word [nic_kind], 0
      call say
      db COLOUR, WARNING, "the card does not answer", COLOUR, PLAIN, 10, 0
      ret
.none:
      call say
      db COLOUR, PLAIN, "no card that Hello can drive (NE2000, DEC 21140 or 21143)", 10, 0
      ret

; Sends CX bytes at SI.
network_send:
      cmp cx, MIN_FRAME
      jae .long
      mov cx, MIN_FRAME
.long:
      mov di, [nic_kind]
      jmp word [di + NIC_SEND]

FRAMES_AT_ONCE equ 16

network_poll:
      cmp word [nic_kind], 0
      je .done
      mov cx, FRAMES_AT_ONCE  ; so that a flood of frames never keeps us from the keyboard
.next:
      push cx
      mov di, [nic_kind]
      call word [di + NIC_RECEIVE]
      jc .empty
      call frame_arrived
      pop cx
      loop .next
      jmp dhcp_poll
.empty:
      pop cx
      jmp dhcp_poll
.done:
      ret

; CX bytes at RECEIVED.
frame_arrived:
      cmp cx, 42
      jb .done
      mov ax, [RECEIVED + ETHER_TYPE]
      cmp ax, TYPE_ARP
      je arp_arrived
      cmp ax, TYPE_IP
      jne .done
      cmp byte [RECEIVED + IP], 0x45      ; version 4, no options
      jne .done
      mov al, [RECEIVED + IP_PROTOCOL]
      cmp al, PROTOCOL_ICMP
      je icmp_arrived
      cmp al, PROTOCOL_UDP
      je dhcp_arrived
.done:
      ret

; ZF = 1 when EAX is the address we hold.
is_ours:
      cmp byte [dhcp_state], DHCP_BOUND
      jb .no
      cmp eax, [lease_address]
      ret
.no:  or al, 1
      ret

arp_arrived:
      cmp word [RECEIVED + ARP_KIND], ARP_REQUEST
      jne .done
      mov eax, [RECEIVED + ARP_TARGET + 6]
      call is_ours
      jne .done
      mov word [RECEIVED + ARP_KIND], ARP_REPLY
      mov si, RECEIVED + ARP_SENDER
      mov di, RECEIVED + ARP_TARGET
      mov cx, 10
      rep movsb
      mov di, RECEIVED + ARP_SENDER
      call copy_mac
      mov eax, [lease_address]
      stosd
      mov cx, MIN_FRAME
      jmp send_back
.done:
      ret

icmp_arrived:
      cmp byte [RECEIVED + ICMP], 8       ; echo
      jne .done
      mov eax, [RECEIVED + IP_TO]
      call is_ours
      jne .done
      mov byte [RECEIVED + ICMP], 0       ; echo reply: the sum falls by 8, so its complement rises by 8
      add word [RECEIVED + ICMP + 2], 8
      adc word [RECEIVED + ICMP + 2], 0
      mov eax, [RECEIVED + IP_FROM]
      xchg eax, [RECEIVED + IP_TO]
      mov [RECEIVED + IP_FROM], eax
      jmp send_back
.done:
      ret

; Sends the CX bytes at RECEIVED to where they came from.
send_back:
      push cx
      mov si, RECEIVED + ETHER_FROM
      mov di, RECEIVED + ETHER_TO
      mov cx, 6
      rep movsb
      call copy_mac
      pop cx
      mov si, RECEIVED
      jmp network_send

; Our Ethernet address to DI.
copy_mac:
      mov si, nic_mac
      mov cx, 6
      rep movsb
      ret
