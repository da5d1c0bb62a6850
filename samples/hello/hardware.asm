; One line for each thing that the BIOS, CPUID and the PCI bus tell about.

CPUID_FLAG  equ 1 << 21       ; EFLAGS.ID: a program that can change it has CPUID (Intel SDM volume 1, 20.1.1)
SMAP        equ 0x534d4150
E820_USABLE equ 1

report_hardware:
      call report_processor
      call report_memory
      call report_disks
      call report_floppies
      call report_ports
      call report_clock
      jmp report_pci

report_processor:
      call say
      db COLOUR, LABEL, "Processor ", COLOUR, BRIGHT, 0
      pushfd
      pop eax
      mov ecx, eax
      xor eax, CPUID_FLAG
      push eax
      popfd
      pushfd
      pop eax
      xor eax, ecx
      test eax, CPUID_FLAG
      jnz .cpuid
      call say
      db "a 386 or 486 without CPUID", COLOUR, PLAIN, 10, 0
      ret
.cpuid:
      xor eax, eax
      cpuid
      mov [SCRATCH], ebx
      mov [SCRATCH + 4], edx
      mov [SCRATCH + 8], ecx
      mov byte [SCRATCH + 12], 0
      mov si, SCRATCH
      call print
      call say
      db COLOUR, PLAIN, ", family ", 0
      mov eax, 1
      cpuid
      mov ecx, eax
      shr eax, 8
      call .field
      call say
      db " model ", 0
      mov eax, ecx
      shr eax, 4
      call .field
      mov eax, 0x80000000
      cpuid
      cmp eax, 0x80000004
      jb .done
      call say
      db ", ", 0
      mov edi, 0x80000002     ; the brand string, 16 bytes from each of three leaves
      mov bp, SCRATCH
.brand:
      mov eax, edi
      cpuid
      mov [bp], eax
      mov [bp + 4], ebx
      mov [bp + 8], ecx
      mov [bp + 12], edx
      add bp, 16
      inc edi
      cmp edi, 0x80000005
      jb .brand
      mov byte [bp], 0
      mov si, SCRATCH - 1
.blank:
      inc si                  ; some processors pad their name on the left
      cmp byte [si], ' '
      je .blank
      call print
.done:
      mov al, 10
      jmp put
.field:
      and eax, 15
      jmp print_decimal

report_memory:
      call say
      db COLOUR, LABEL, "Memory    ", COLOUR, BRIGHT, 0
      call memory_size
      push eax
      add eax, 1023
      shr eax, 10
      call print_decimal
      call say
      db " MB", COLOUR, PLAIN, ", ", 0
      pop eax
      call print_decimal
      call say
      db " KB of it free for programs", 10, 0
      ret

; EAX = usable memory in KB: from int 15h E820h, or else from E801h, or else from 88h and 12h.
memory_size:
      xor ebp, ebp
      xor ebx, ebx
.entry:
      mov eax, 0xe820
      mov edx, SMAP
      mov ecx, 20
      mov di, SCRATCH
      int 0x15
      jc .end
      cmp eax, SMAP
      jne .end
      cmp dword [SCRATCH + 16], E820_USABLE
      jne .skip
      mov eax, [SCRATCH + 8]
      shr eax, 10
      add ebp, eax
.skip:
      test ebx, ebx
      jnz .entry
.end: mov eax, ebp
      test eax, eax
      jnz .done
      int 0x12
      movzx ebp, ax
      mov ax, 0xe801
      int 0x15
      jc .old
      movzx eax, ax           ; KB between 1 and 16 MB
      movzx ebx, bx           ; 64 KB blocks above 16 MB
      shl ebx, 6
      add eax, ebx
      add eax, ebp
      ret
.old: mov ah, 0x88
      int 0x15
      movzx eax, ax
      add eax, ebp
.done:
      ret

HARD_DISKS equ 0x475          ; BIOS data area: how many

report_disks:
      mov dl, 0x80
      movzx cx, byte [HARD_DISKS]
      jcxz .none
.next:
      push cx
      push dx
      call say
      db COLOUR, LABEL, "Disk ", 0
      mov al, dl
      call print_hex
      call say
      db "h  ", COLOUR, BRIGHT, 0
      call disk_sectors
      push eax
      shr eax, 11
      call print_decimal
      call say
      db " MB", COLOUR, PLAIN, ", ", 0
      pop eax
      call print_decimal
      call say
      db " sectors", 0
      pop dx
      cmp dl, [boot_drive]
      jne .other
      call say
      db ", we started from it", 0
.other:
      mov al, 10
      call put
      pop cx
      inc dl
      loop .next
      ret
.none:
      call say
      db COLOUR, LABEL, "Disk      ", COLOUR, PLAIN, "none", 10, 0
      ret

; EAX = sectors of drive DL: extended parameters (AH=48h), or else the geometry (AH=08h).
disk_sectors:
      mov word [SCRATCH], 26
      mov ah, 0x48
      mov si, SCRATCH
      push dx
      int 0x13
      pop dx
      mov eax, [SCRATCH + 16]
      jnc .done
      mov ah, 8
      push es
      int 0x13
      pop es
      mov eax, 0
      jc .done
      movzx eax, dh
      inc ax                  ; heads
      movzx ebx, cl
      and bl, 63              ; sectors in a track
      shr cl, 6
      xchg cl, ch
      inc cx                  ; cylinders
      movzx ecx, cx
      mul ebx
      mul ecx
.done:
      ret

EQUIPMENT equ 0x410           ; BIOS data area: bit 0 = there are floppy drives, bits 6-7 = how many less one

report_floppies:
      call say
      db COLOUR, LABEL, "Floppy    ", COLOUR, PLAIN, 0
      mov al, [EQUIPMENT]
      test al, 1
      jz .none
      shr al, 6
      and al, 3
      inc al
      movzx cx, al
      xor dl, dl
.next:
      push cx
      push dx
      mov ah, 8               ; BL = kind of the drive
      push es
      int 0x13
      pop es
      pop dx
      mov al, 'A'
      add al, dl
      call put
      mov al, ' '
      call put
      and bx, 7
      shl bx, 1
      mov si, [bx + .kinds]
      call print
      pop cx
      inc dl
      cmp cx, 1
      je .last
      call say
      db ", ", 0
.last:
      loop .next
      mov al, 10
      jmp put
.none:
      call say
      db "none", 10, 0
      ret
.kinds: dw .other, .k360, .k1200, .k720, .k1440, .k2880, .k2880, .other
.other: db "of a kind the BIOS does not name", 0
.k360:  db "360 KB", 0
.k1200: db "1.2 MB", 0
.k720:  db "720 KB", 0
.k1440: db "1.44 MB", 0
.k2880: db "2.88 MB", 0

SERIAL_PORTS   equ 0x400      ; BIOS data area: four words each, 0 = none
PARALLEL_PORTS equ 0x408

report_ports:
      call say
      db COLOUR, LABEL, "Ports     ", COLOUR, PLAIN, 0
      mov si, SERIAL_PORTS
      mov di, .com
      mov cx, 4
      call .row
      mov si, PARALLEL_PORTS
      mov di, .lpt
      mov cx, 3
      call .row
      mov al, 10
      jmp put
.row: xor bl, bl
.next:
      inc bl
      lodsw
      test ax, ax
      jz .skip
      push si
      push ax
      mov si, di
      call print
      mov al, bl
      add al, '0'
      call put
      mov al, ' '
      call put
      pop ax
      call print_hex_word
      call say
      db "h  ", 0
      pop si
.skip:
      loop .next
      ret
.com: db "COM", 0
.lpt: db "LPT", 0

report_clock:
      call say
      db COLOUR, LABEL, "Clock     ", COLOUR, PLAIN, 0
      mov ah, 4               ; CH CL = year, DH = month, DL = day, all packed decimal
      int 0x1a
      mov al, ch
      call print_hex
      mov al, cl
      call print_hex
      mov al, '-'
      call put
      mov al, dh
      call print_hex
      mov al, '-'
      call put
      mov al, dl
      call print_hex
      mov al, ' '
      call put
      mov ah, 2               ; CH = hours, CL = minutes
      int 0x1a
      mov al, ch
      call print_hex
      mov al, ':'
      call put
      mov al, cl
      call print_hex
      mov al, 10
      jmp put
