; A guest that does what a test tells it to: each key is a command, and is echoed on the screen and on COM1.
;   w  writes sector 2 of its disk: the byte 5Ah, then the number of writes so far
;   p  switches itself off (halts with interrupts disabled)
;   r  resets by the keyboard controller
;   t  triple fault
;   g  graphics: mode 13h, the first line in colour 4
;   n  starts two NE2000 cards; each says hello once, then returns every frame to its sender
; The first sector loads the rest, sectors 4 to 11 (CHS), to 7e00h.
        org 0x7c00
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        sti
        mov [drive], dl
        mov ax, 0x0208
        mov bx, 0x7e00
        mov cx, 0x0004
        mov dh, 0
        int 0x13
        jmp start
drive:  db 0
writes: db 0
        times 510-($-$$) db 0
        dw 0xaa55

; ---- at 7e00h
start:  mov si, greeting
        call print
next:   mov ah, 0
        int 0x16
        push ax
        call putc
        pop ax
        cmp al, 'w'
        je write
        cmp al, 'p'
        je off
        cmp al, 'r'
        je reset
        cmp al, 't'
        je fault
        cmp al, 'g'
        je graphics
        cmp al, 'n'
        je network
        jmp next

write:  inc byte [writes]
        mov di, 0x9000
        mov byte [di], 0x5a
        mov al, [writes]
        mov [di+1], al
        mov ax, 0x0301
        mov bx, 0x9000
        mov cx, 0x0002
        mov dh, 0
        mov dl, [drive]
        int 0x13
        mov si, written
        jnc .told
        mov si, failed
.told:  call print
        jmp next

off:    cli
        hlt
        jmp off

reset:  mov al, 0xfe
        out 0x64, al
.wait:  jmp .wait

; An interrupt in protected mode without an interrupt table.
fault:  cli
        db 0x0f, 0x01, 0x1e
        dw nothing              ; lidt [nothing]
        db 0x0f, 0x20, 0xc0     ; mov eax, cr0
        or al, 1
        db 0x0f, 0x22, 0xc0     ; mov cr0, eax
        int 3
.wait:  jmp .wait
nothing: dw 0, 0, 0

graphics:
        mov ax, 0x0013
        int 0x10
        mov ax, 0xa000
        mov es, ax
        xor di, di
        mov al, 4
        mov cx, 320
        rep stosb
        xor ax, ax
        mov es, ax
        jmp next

; ---- network
network:
        mov bp, 0x300
        call card
        mov bp, 0x600
        call card
        mov si, online
        call print
.poll:  mov bp, 0x300
        call answer
        mov bp, 0x600
        call answer
        jmp .poll

; Writes AL to register AH of the card at BP.
reg:    push dx
        push ax
        mov al, ah
        mov ah, 0
        add ax, bp
        mov dx, ax
        pop ax
        out dx, al
        pop dx
        ret

; Starts the card at BP, and sends a broadcast from its address with its port number in the payload.
card:   mov ax, 0x0021
        call reg
        mov ax, 0x0e48
        call reg
        mov ax, 0x0a00
        call reg
        mov ax, 0x0b00
        call reg
        mov ax, 0x0c1c
        call reg
        mov ax, 0x0d02
        call reg
        mov ax, 0x014c
        call reg
        mov ax, 0x0280
        call reg
        mov ax, 0x034c
        call reg
        mov ax, 0x0440
        call reg
        mov ax, 0x07ff
        call reg
        mov ax, 0x0f00
        call reg
        mov ax, 0               ; the PROM: each byte twice
        mov cx, 12
        mov di, 0x9200
        call fetch
        mov ax, 0x0061          ; page 1: own address, current page
        call reg
        mov si, 0x9200
        mov ah, 1
        mov cx, 6
.own:   lodsb
        inc si
        call reg
        inc ah
        loop .own
        mov ax, 0x074d
        call reg
        mov ax, 0x0022
        call reg
        mov ax, 0x0d00
        call reg
        call page
        mov byte [bx], 0x4d
        mov di, 0x9400          ; the greeting
        mov al, 0xff
        mov cx, 6
        rep stosb
        mov si, 0x9200
        mov cx, 6
.from:  lodsb
        inc si
        stosb
        loop .from
        mov ax, 0xb588          ; EtherType 88b5h, for experiments
        stosw
        mov ax, bp
        stosw
        xor ax, ax
        mov cx, 22
        rep stosw
        mov cx, 60
        jmp transmit

; BX = where the next page of the card at BP is kept.
page:   mov bx, 0x9300
        cmp bp, 0x300
        je .done
        inc bx
.done:  ret

; Returns a frame that has come to the card at BP.
answer: mov ax, 0x0062
        call reg
        mov dx, bp
        add dx, 7
        in al, dx
        mov cl, al
        mov ax, 0x0022
        call reg
        call page
        mov al, [bx]
        cmp al, cl
        jne .have
        ret
.have:  mov ah, al
        mov al, 0
        push ax
        mov cx, 4
        mov di, 0x93f0
        call fetch
        pop ax
        add ax, 4
        mov cx, [0x93f2]
        sub cx, 4
        mov [length], cx
        mov di, 0x9400
        call fetch
        call page
        mov al, [0x93f1]
        mov [bx], al
        dec al
        cmp al, 0x4c
        jae .bound
        mov al, 0x7f
.bound: mov ah, 3
        call reg
        mov si, 0x9400          ; sender and receiver change places
        mov di, 0x9406
        mov cx, 6
.swap:  mov al, [si]
        mov ah, [di]
        mov [si], ah
        mov [di], al
        inc si
        inc di
        loop .swap
        mov cx, [length]
        jmp transmit

; Reads CX bytes at AX of the card's memory to DI.
fetch:  push ax
        mov ah, 8
        call reg
        pop ax
        mov al, ah
        mov ah, 9
        call reg
        mov al, cl
        mov ah, 0x0a
        call reg
        mov al, ch
        mov ah, 0x0b
        call reg
        mov ax, 0x000a
        call reg
        mov dx, bp
        add dx, 0x10
.byte:  in al, dx
        stosb
        loop .byte
        ret

; Sends CX bytes at 9400h.
transmit:
        push cx
        mov ax, 0x0800
        call reg
        mov ax, 0x0940
        call reg
        mov al, cl
        mov ah, 0x0a
        call reg
        mov al, ch
        mov ah, 0x0b
        call reg
        mov ax, 0x0012
        call reg
        mov dx, bp
        add dx, 0x10
        mov si, 0x9400
.byte:  lodsb
        out dx, al
        loop .byte
        pop cx
        mov ax, 0x0440
        call reg
        mov al, cl
        mov ah, 5
        call reg
        mov al, ch
        mov ah, 6
        call reg
        mov ax, 0x0026
        jmp reg

; ---- output
print:  lodsb
        test al, al
        jz .done
        call putc
        jmp print
.done:  ret

putc:   pusha
        push ax
        mov ah, 0x0e
        mov bx, 7
        int 0x10
        pop ax
        mov dx, 0x3f8
        out dx, al
        popa
        ret

length: dw 0
greeting: db 'Tester ready.', 13, 10, 0
written:  db ' written', 13, 10, 0
failed:   db ' FAILED', 13, 10, 0
online:   db ' online', 13, 10, 0
