; Keys from the keyboard and from COM1, the line that they make, and what its words do.

LINE_MAX  equ 64
ESCAPE    equ 27
SCAN_F1   equ 0x3b

prompt:
      call say
      db COLOUR, LABEL, "hello> ", COLOUR, BRIGHT, 0
      movzx bx, byte [line_length]
      mov byte [bx + line_text], 0
      mov si, line_text       ; what was typed before a message came in between
      call print
      mov byte [prompt_shown], 1
      ret

keyboard_poll:
      mov ah, 1
      int 0x16
      jz .done
      mov ah, 0
      int 0x16
      cmp al, ESCAPE
      je power_off
      cmp ah, SCAN_F1
      je .help
      call key
      jmp keyboard_poll
.help:
      call leave_prompt
      call help
      call prompt
.done:
      ret

serial_poll:
      mov dx, [serial_port]
      test dx, dx
      jz .done
      add dx, UART_STATUS
      in al, dx
      test al, 1              ; a byte is there
      jz .done
      sub dx, UART_STATUS
      in al, dx
      call key
      jmp serial_poll
.done:
      ret

; One key: letters go into the line, Enter carries it out.
key:  cmp al, 13
      je enter
      cmp al, 8
      je .back
      cmp al, 127
      je .back
      cmp al, ' '
      jb .done
      cmp al, 126
      ja .done
      movzx bx, byte [line_length]
      cmp bx, LINE_MAX
      jae .done
      mov [bx + line_text], al
      inc byte [line_length]
      jmp put
.back:
      cmp byte [line_length], 0
      je .done
      dec byte [line_length]
      mov al, 8
      call put
      mov al, ' '
      call put
      mov al, 8
      jmp put
.done:
      ret

leave_prompt:
      mov byte [prompt_shown], 0
      mov byte [screen_colour], PLAIN
      mov al, 10
      jmp put

enter:
      call leave_prompt
      movzx bx, byte [line_length]
      mov byte [bx + line_text], 0
      mov byte [line_length], 0
      test bx, bx
      jz prompt
      mov bx, commands
.next:
      mov di, [bx]
      test di, di
      jz .unknown
      mov si, line_text
.compare:
      lodsb
      cmp al, [di]
      jne .other
      inc di
      test al, al
      jnz .compare
      call word [bx + 2]
      jmp prompt
.other:
      add bx, 4
      jmp .next
.unknown:
      call say
      db "You typed ", COLOUR, BRIGHT, 0
      mov si, line_text
      call print
      call say
      db COLOUR, PLAIN, ". Type help for the words that I know.", 10, 0
      jmp prompt

commands:
      dw .help, help, .hw, report_hardware, .dhcp, ask_again, .reboot, reboot, .off, power_off, 0
.help:   db "help", 0
.hw:     db "hw", 0
.dhcp:   db "dhcp", 0
.reboot: db "reboot", 0
.off:    db "off", 0

help: call say
      db "hw      shows the hardware again", 10
      db "dhcp    asks for a new lease", 10
      db "reboot  starts again", 10
      db "off     switches the machine off; so does Esc", 10, 0
      ret

ask_again:
      cmp word [nic_kind], 0
      jne dhcp_start
      call say
      db "There is no network card.", 10, 0
      ret
