; Everything that starts as zero; outside the program, so it costs no bytes on the disk.

screen_row      equ VARIABLES            ; byte
screen_column   equ VARIABLES + 1        ; byte
screen_colour   equ VARIABLES + 2        ; byte
prompt_shown    equ VARIABLES + 3        ; byte: the last line on the screen is the prompt
serial_port     equ VARIABLES + 4        ; word: COM1's I/O address, 0 = none

uptime_ticks    equ VARIABLES + 8        ; dword: ticks of 1/18.2 s since we started
clock_last      equ VARIABLES + 12       ; word: low word of the BIOS tick count when we last looked
clock_shown     equ VARIABLES + 14       ; word: the second that the status line shows

line_length     equ VARIABLES + 16       ; byte
line_text       equ VARIABLES + 32       ; LINE_MAX bytes and a zero

nic_io          equ VARIABLES + 112      ; word: I/O base of the card we drive
nic_kind        equ VARIABLES + 114      ; word: its entry in nic_kinds, 0 = none
nic_mac         equ VARIABLES + 116      ; 6 bytes
nic_location    equ VARIABLES + 122      ; word: bus 0, device << 3 | function
ne_next         equ VARIABLES + 124      ; byte: page of the next frame in the NE2000's ring
tulip_next      equ VARIABLES + 126      ; word: the next receive descriptor

dhcp_state      equ VARIABLES + 128      ; byte: one of DHCP_*
dhcp_tries      equ VARIABLES + 129      ; byte: messages sent without an answer
dhcp_quiet      equ VARIABLES + 130      ; byte: said already that nobody answers
dhcp_deadline   equ VARIABLES + 132      ; dword, in ticks: when to send again
dhcp_expiry     equ VARIABLES + 136      ; dword, in ticks: when the lease ends
dhcp_xid        equ VARIABLES + 140      ; dword
lease_address   equ VARIABLES + 144      ; 4 bytes each, in network order
lease_mask      equ VARIABLES + 148
lease_gateway   equ VARIABLES + 152
lease_dns       equ VARIABLES + 156
lease_server    equ VARIABLES + 160
lease_seconds   equ VARIABLES + 164      ; dword
lease_seconds_wire equ VARIABLES + 172   ; the same as it came, in network order
reply_type      equ VARIABLES + 168      ; byte: option 53 of the reply at hand
variables_end   equ VARIABLES + 176
