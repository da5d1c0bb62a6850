; The devices on PCI bus 0, by configuration mechanism 1 (PCI Local Bus Specification 2.1, section 3.7.4.1), and
; the first network card among them that we can drive.

PCI_ADDRESS  equ 0xcf8
PCI_DATA     equ 0xcfc
PCI_COMMAND  equ 0x04
PCI_CLASS    equ 0x08
PCI_HEADER   equ 0x0c
PCI_BAR0     equ 0x10
MULTI        equ 1 << 23      ; the device has several functions
IO_AND_MASTER equ 5           ; command register: answer I/O, may be bus master

; EAX = register AL of function BX (device << 3 | function).
pci_read:
      push dx
      call pci_select
      in eax, dx
      pop dx
      ret

; Writes ECX to it.
pci_write:
      push dx
      call pci_select
      mov eax, ecx
      out dx, eax
      pop dx
      ret

pci_select:
      movzx edx, bx
      shl edx, 8
      or edx, 0x80000000
      movzx eax, al
      or eax, edx
      mov dx, PCI_ADDRESS
      out dx, eax
      mov dx, PCI_DATA
      ret

report_pci:
      xor bx, bx
.next:
      mov al, 0
      call pci_read
      cmp ax, 0xffff
      je .absent
      test ax, ax
      jz .absent
      call report_function
      test bl, 7
      jnz .step
      mov al, PCI_HEADER
      call pci_read
      test eax, MULTI
      jnz .step
      add bx, 7               ; a device of one function answers for all eight numbers
      jmp .step
.absent:
      test bl, 7
      jnz .step
      add bx, 7
.step:
      inc bx
      cmp bx, 32 << 3
      jb .next
      ret

; One line for function BX with identity EAX.
report_function:
      mov ebp, eax
      call say
      db COLOUR, LABEL, "PCI ", 0
      mov al, bl
      shr al, 3
      call print_hex
      mov al, '.'
      call put
      mov al, bl
      and al, 7
      add al, '0'
      call put
      call say
      db "  ", COLOUR, PLAIN, 0
      mov ax, bp
      call print_hex_word
      mov al, ':'
      call put
      mov eax, ebp
      shr eax, 16
      call print_hex_word
      mov al, ' '
      call put
      call pci_name
      call print
      mov al, 10
      call put
      cmp word [nic_kind], 0
      jne .done
      mov di, nic_kinds
.kind:
      mov eax, [di]
      test eax, eax
      jz .done
      cmp eax, ebp
      je .ours
      add di, NIC_SIZE
      jmp .kind
.ours:
      mov [nic_kind], di
      mov [nic_location], bx
.done:
      ret

; SI = a name for identity EBP.
pci_name:
      mov si, pci_names
.next:
      lodsd
      test eax, eax
      jz .found               ; the last name fits everything
      mov edx, eax
      xor edx, ebp
      test dx, dx
      jnz .skip               ; another vendor
      shr edx, 16
      jz .found
      shr eax, 16
      cmp ax, ANY             ; an entry for all devices of the vendor
      je .found
.skip:
      lodsb
      test al, al
      jnz .skip
      jmp .next
.found:
      ret

ANY equ 0xffff

pci_names:
      dw 0x8086, 0x1237
      db "Intel 82441FX memory controller", 0
      dw 0x8086, 0x7192
      db "Intel 440BX host bridge", 0
      dw 0x8086, 0x7000
      db "Intel PIIX3 ISA bridge", 0
      dw 0x8086, 0x7010
      db "Intel PIIX3 IDE controller", 0
      dw 0x8086, 0x7110
      db "Intel PIIX4 ISA bridge", 0
      dw 0x8086, 0x7111
      db "Intel PIIX4 IDE controller", 0
      dw 0x8086, 0x7113
      db "Intel PIIX4 power management", 0
      dw 0x8086, 0x100e
      db "Intel PRO/1000 network card", 0
      dw 0x1234, 0x1111
      db "Bochs graphics card", 0
      dw 0x1013, 0x00b8
      db "Cirrus Logic GD5446 graphics card", 0
      dw 0x5333, 0x8811
      db "S3 Trio32/64 graphics card", 0
      dw 0x1011, 0x0009
      db "DEC 21140 network card", 0
      dw 0x1011, 0x0019
      db "DEC 21143 network card", 0
      dw 0x10ec, 0x8029
      db "Realtek RTL8029 network card (NE2000)", 0
      dw 0x10ec, 0x8139
      db "Realtek RTL8139 network card", 0
      dw 0x1022, 0x2000
      db "AMD PCnet network card", 0
      dw 0x1af4, ANY
      db "Virtio device", 0
      dw 0x8086, ANY
      db "Intel device", 0
      dd 0
      db "unknown to Hello", 0

; Takes the I/O address of the card from its first base address register and lets it work.
pci_take_io:
      mov bx, [nic_location]
      mov al, PCI_BAR0
      call pci_read
      and ax, 0xfffc
      mov [nic_io], ax
      mov al, PCI_COMMAND
      call pci_read
      movzx ecx, ax           ; zeroes leave the status bits above alone
      or cl, IO_AND_MASTER
      mov al, PCI_COMMAND
      jmp pci_write
