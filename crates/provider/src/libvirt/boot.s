# The throw-away guest: a boot sector that does what real guests do, and a boot sector need not:
# paging, long mode, the x87 and SSE units, a few MiB through the page table. A /dev/kvm that cannot
# run real guests often runs the plain ones. It ends by writing 0x2a to isa-debug-exit: exit code 85.
# Built by: as boot.s -o boot.o && ld -Ttext 0x7c00 --oformat binary -o boot.bin boot.o
.code16
.globl _start
_start:
  cli
  xor %ax,%ax
  mov %ax,%ds
  mov %ax,%es
  mov %ax,%ss
  mov $0x7c00,%sp
  in $0x92,%al
  or $2,%al
  out %al,$0x92
  # page tables at 0x1000..0x3fff
  xor %ax,%ax
  mov $0x1000,%di
  mov $0x1800,%cx
  cld
  rep stosw
  movw $0x2003,0x1000
  movw $0x3003,0x2000
  movw $0x0083,0x3000
  movw $0x0083,0x3008
  movw $0x20,0x300a
  lgdt gdtr
  mov %cr4,%eax
  or $0x620,%eax
  mov %eax,%cr4
  mov $0x1000,%eax
  mov %eax,%cr3
  mov %cr0,%eax
  and $0xfffffffb,%eax
  or $0x3,%eax
  mov %eax,%cr0
  ljmp $0x08,$prot
.code32
prot:
  mov $0x10,%ax
  mov %ax,%ds
  mov %ax,%es
  mov %ax,%ss
  wait
  fninit
  fldcw cw
  mov $0xc0000080,%ecx
  rdmsr
  or $0x100,%eax
  wrmsr
  mov %cr0,%eax
  or $0x80000000,%eax
  mov %eax,%cr0
  ljmp $0x18,$long
.code64
long:
  xor %eax,%eax
  cpuid
  movd %eax,%xmm0
  paddd %xmm0,%xmm0
  movaps %xmm0,0x200000
  fldpi
  fistpl 0x200010
  cmpl $3,0x200010
  jne 1f
  # write and read a page of the second 2 MiB, through the page table
  mov $0x200000,%edi
  mov $0x40000,%ecx
  mov $0x1234567890abcdef,%rax
  rep stosq
  cmp -8(%rdi),%rax
  jne 1f
  mov $0xf4,%dx
  mov $0x2a,%al
  out %al,%dx
1: hlt
  jmp 1b
.balign 8
gdt: .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00af9a000000ffff
gdtr: .word gdtr-gdt-1
  .long gdt
cw: .word 0x37f
.org 510
.word 0xaa55
