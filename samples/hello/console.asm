; The text screen (three rows of banner, a scrolling part, one status row) and COM1, which hears all of it.

SCREEN      equ 0xb800
COLUMNS     equ 80
TOP         equ 3             ; first row of the scrolling part
BOTTOM      equ 23            ; and its last
STATUS      equ 24

PLAIN       equ 0x07
BRIGHT      equ 0x0f
LABEL       equ 0x0b
GOOD        equ 0x0a
WARNING     equ 0x0e
BANNER      equ 0x1f
TITLE       equ 0x1e
BAR         equ 0x30

COLOUR      equ 1             ; in a text: the next byte is the colour from here on

; Registers of a 16550 (PC16550D data sheet, table 2) from its base.
UART_DATA   equ 0
UART_IRQS   equ 1
UART_FIFO   equ 2
UART_LINE   equ 3
UART_MODEM  equ 4
UART_STATUS equ 5

console_start:
      mov ax, 3               ; 80 x 25 text
      int 0x10
      mov byte [screen_row], TOP
      mov byte [screen_colour], PLAIN
      mov ax, [0x400]         ; BIOS data area: COM1's address
      mov [serial_port], ax
      call serial_start
      mov bl, BANNER
      mov ax, 0
      mov cx, TOP * COLUMNS
      call fill
      mov si, banner_title
      mov ax, COLUMNS + 2
      mov bl, TITLE
      call write_at
      mov si, banner_text
      mov ax, COLUMNS + 24
      mov bl, BANNER
      call write_at
      mov bl, BAR
      mov ax, STATUS * COLUMNS
      mov cx, COLUMNS
      call fill
      mov si, status_text
      mov ax, STATUS * COLUMNS
      call write_at
      mov si, banner_serial
.serial:
      lodsb
      test al, al
      jz .done
      call serial_put
      jmp .serial
.done:
      ret

banner_title:  db "Hello from Vivarium", 0
banner_text:   db "a tiny guest that shows what it finds", 0
banner_serial: db 13, 10, "Hello from Vivarium", 13, 10, 0
status_text:   db " up 00:00:00    help: what I can do    Esc: power off", 0

serial_start:
      mov dx, [serial_port]
      test dx, dx
      jz .none
      mov ax, UART_LINE << 8 | 0x80       ; the divisor latch: 115200 bits a second
      call .set
      mov ax, UART_DATA << 8 | 1
      call .set
      mov ax, UART_IRQS << 8 | 0
      call .set
      mov ax, UART_LINE << 8 | 0x03       ; 8 bits, no parity, 1 stop bit; interrupts stay off: we look
      call .set
      mov ax, UART_FIFO << 8 | 0x07
      call .set
      mov ax, UART_MODEM << 8 | 0x03
.set: push dx
      add dl, ah
      out dx, al
      pop dx
.none:
      ret

; AL to COM1. Waits for the port, but not for ever.
serial_put:
      push ax
      push cx
      push dx
      mov dx, [serial_port]
      test dx, dx
      jz .done
      mov ah, al
      add dx, UART_STATUS
      mov cx, 0x4000
.wait:
      in al, dx
      test al, 0x20           ; transmitter holding register empty
      jnz .ready
      loop .wait
.ready:
      sub dx, UART_STATUS
      mov al, ah
      out dx, al
.done:
      pop dx
      pop cx
      pop ax
      ret

; CX cells from cell AX with colour BL and blanks.
fill: push es
      mov di, ax
      shl di, 1
      mov ax, SCREEN
      mov es, ax
      mov ah, bl
      mov al, ' '
      rep stosw
      pop es
      ret

; The text at SI from cell AX with colour BL; the screen only.
write_at:
      push es
      mov di, ax
      shl di, 1
      mov ax, SCREEN
      mov es, ax
      mov ah, bl
.next:
      lodsb
      test al, al
      jz .done
      stosw
      jmp .next
.done:
      pop es
      ret

; Prints the text that follows the call; execution goes on behind its zero.
say:  pop si
      call print
      push si
      ret

; Prints the text at SI, leaves SI behind its zero.
print:
      lodsb
      test al, al
      jz .done
      cmp al, COLOUR
      je .colour
      call put
      jmp print
.colour:
      lodsb
      mov [screen_colour], al
      jmp print
.done:
      ret

; Prints AL: 10 starts a new line, 8 goes back one column. Changes no register.
put:  pusha
      push es
      cmp al, 10
      je .line
      call serial_put
      cmp al, 8
      je .back
      call cell
      mov ah, [screen_colour]
      stosw
      inc byte [screen_column]
      cmp byte [screen_column], COLUMNS
      jb .moved
      call screen_line
      jmp .moved
.line:
      mov al, 13
      call serial_put
      mov al, 10
      call serial_put
      call screen_line
      jmp .moved
.back:
      cmp byte [screen_column], 0
      je .moved
      dec byte [screen_column]
.moved:
      mov dh, [screen_row]
      mov dl, [screen_column]
      mov bh, 0
      mov ah, 2               ; set the cursor
      int 0x10
      pop es
      popa
      ret

; ES:DI = the cell under the cursor. Keeps AX.
cell: push ax
      mov al, [screen_row]
      mov ah, COLUMNS
      mul ah
      movzx bx, byte [screen_column]
      add ax, bx
      shl ax, 1
      mov di, ax
      mov ax, SCREEN
      mov es, ax
      pop ax
      ret

; Column 0 of the next row; scrolls at the bottom.
screen_line:
      mov byte [screen_column], 0
      cmp byte [screen_row], BOTTOM
      jae .scroll
      inc byte [screen_row]
      ret
.scroll:
      mov ax, 0x0601          ; up by one row
      mov bh, PLAIN
      mov cx, TOP << 8
      mov dx, BOTTOM << 8 | COLUMNS - 1
      int 0x10
      ret

; A message from the background: takes the prompt away before it, `notice_end` brings it back.
notice_begin:
      cmp byte [prompt_shown], 0
      je .done
      mov byte [prompt_shown], 0
      pusha
      push es
      mov byte [screen_column], 0
      call cell
      mov cx, COLUMNS
      mov ah, PLAIN
      mov al, ' '
      rep stosw
      pop es
      mov si, .erase
.next:
      lodsb
      test al, al
      jz .erased
      call serial_put
      jmp .next
.erased:
      popa
.done:
      ret
.erase:
      db 13, 27, "[K", 0      ; carriage return, erase to the end of the line (ECMA-48 EL)

notice_end:
      jmp prompt
