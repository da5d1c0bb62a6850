; Numbers and addresses as text. Each changes no register but those it says.

; EAX in decimal, with commas.
print_decimal:
      pushad
      mov ebx, 10
      xor cx, cx              ; digits pushed
.divide:
      xor edx, edx
      div ebx
      push dx
      inc cx
      test eax, eax
      jnz .divide
.digit:
      pop ax
      add al, '0'
      call put
      dec cx
      jz .done
      mov ax, cx
      mov bl, 3
      div bl
      test ah, ah
      jnz .digit
      mov al, ','
      call put
      jmp .digit
.done:
      popad
      ret

; AL in hexadecimal, two digits.
print_hex:
      push ax
      push ax
      shr al, 4
      call .digit
      pop ax
      and al, 15
      call .digit
      pop ax
      ret
.digit:
      add al, '0'
      cmp al, '9'
      jbe .put
      add al, 'a' - '9' - 1
.put: jmp put

; AX in hexadecimal, four digits.
print_hex_word:
      xchg al, ah
      call print_hex
      xchg al, ah
      jmp print_hex

; The IPv4 address at SI.
print_ip:
      push eax
      push cx
      push si
      mov cx, 4
.part:
      xor eax, eax
      lodsb
      call print_decimal
      dec cx
      jz .done
      mov al, '.'
      call put
      jmp .part
.done:
      pop si
      pop cx
      pop eax
      ret

; The Ethernet address at SI.
print_mac:
      push ax
      push cx
      push si
      mov cx, 6
.part:
      lodsb
      call print_hex
      dec cx
      jz .done
      mov al, ':'
      call put
      jmp .part
.done:
      pop si
      pop cx
      pop ax
      ret
