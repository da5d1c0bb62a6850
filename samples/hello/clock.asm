; Time since we started, from the BIOS tick count, and the status row that shows it.

BIOS_TICKS equ 0x46c

clock_start:
      mov ax, [BIOS_TICKS]
      mov [clock_last], ax
      ret

clock_tick:
      mov ax, [BIOS_TICKS]
      mov bx, ax
      sub ax, [clock_last]
      mov [clock_last], bx
      cmp ax, 0x8000
      jb .add
      mov ax, 1               ; midnight: the BIOS starts again at 0
.add: movzx eax, ax
      add [uptime_ticks], eax
      ret

; EAX = whole seconds since the start. 182 ticks are 10 seconds. Changes EBX, EDX.
uptime_seconds:
      mov eax, [uptime_ticks]
      mov ebx, 10
      mul ebx
      mov ebx, 182
      div ebx
      ret

; Writes the time up to the status row, once a second.
status_line:
      call uptime_seconds
      cmp ax, [clock_shown]
      je .done
      mov [clock_shown], ax
      push es
      mov bx, SCREEN
      mov es, bx
      mov di, (STATUS * COLUMNS + 4) * 2
      xor edx, edx
      mov ebx, 3600
      div ebx
      call .two
      mov ax, dx
      xor dx, dx
      mov bx, 60
      div bx
      call .two
      mov ax, dx
      call .two
      pop es
.done:
      ret
.two: mov bl, 10              ; AL as two digits, then over the colon
      div bl
      add ax, 0x3030
      mov [es:di], al
      mov [es:di + 2], ah
      add di, 6
      ret
