// Instructions of Advanced SIMD that Go's assembler does not know, or only with registers by name: macros that take the
// numbers of registers, which other macros can compute with. The destination comes first, as in ARM's manuals. The comment
// on each line is what a disassembler must say of it; TestNEONWords asks one.

#define FADD(d, n, m) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d))          // fadd vd.4s, vn.4s, vm.4s
#define FSUB(d, n, m) WORD $(0x4ea0d400 | (m)<<16 | (n)<<5 | (d))          // fsub vd.4s, vn.4s, vm.4s
#define FMUL(d, n, m) WORD $(0x6e20dc00 | (m)<<16 | (n)<<5 | (d))          // fmul vd.4s, vn.4s, vm.4s
#define FDIV(d, n, m) WORD $(0x6e20fc00 | (m)<<16 | (n)<<5 | (d))          // fdiv vd.4s, vn.4s, vm.4s
#define FMLA(d, n, m) WORD $(0x4e20cc00 | (m)<<16 | (n)<<5 | (d))          // fmla vd.4s, vn.4s, vm.4s
#define FMLS(d, n, m) WORD $(0x4ea0cc00 | (m)<<16 | (n)<<5 | (d))          // fmls vd.4s, vn.4s, vm.4s
#define FNEG(d, n) WORD $(0x6ea0f800 | (n)<<5 | (d))                       // fneg vd.4s, vn.4s
#define FABS(d, n) WORD $(0x4ea0f800 | (n)<<5 | (d))                       // fabs vd.4s, vn.4s
#define FCMGT(d, n, m) WORD $(0x6ea0e400 | (m)<<16 | (n)<<5 | (d))         // fcmgt vd.4s, vn.4s, vm.4s
#define FCMGE(d, n, m) WORD $(0x6e20e400 | (m)<<16 | (n)<<5 | (d))         // fcmge vd.4s, vn.4s, vm.4s
#define FCMLT0(d, n) WORD $(0x4ea0e800 | (n)<<5 | (d))                     // fcmlt vd.4s, vn.4s, #0.0
#define SCVTF(d, n) WORD $(0x4e21d800 | (n)<<5 | (d))                      // scvtf vd.4s, vn.4s
#define SXTL8(d, n) WORD $(0x0f08a400 | (n)<<5 | (d))                      // sxtl vd.8h, vn.8b
#define SXTL8HIGH(d, n) WORD $(0x4f08a400 | (n)<<5 | (d))                  // sxtl2 vd.8h, vn.16b
#define SXTL16(d, n) WORD $(0x0f10a400 | (n)<<5 | (d))                     // sxtl vd.4s, vn.4h
#define SXTL16HIGH(d, n) WORD $(0x4f10a400 | (n)<<5 | (d))                 // sxtl2 vd.4s, vn.8h
#define SHLL16(d, n) WORD $(0x2e613800 | (n)<<5 | (d))                     // shll vd.4s, vn.4h, #16
#define SHLL16HIGH(d, n) WORD $(0x6e613800 | (n)<<5 | (d))                 // shll2 vd.4s, vn.8h, #16
#define FCVTL(d, n) WORD $(0x0e217800 | (n)<<5 | (d))                      // fcvtl vd.4s, vn.4h
#define FCVTLHIGH(d, n) WORD $(0x4e217800 | (n)<<5 | (d))                  // fcvtl2 vd.4s, vn.8h
#define SHL23(d, n) WORD $(0x4f375400 | (n)<<5 | (d))                      // shl vd.4s, vn.4s, #23
#define AND(d, n, m) WORD $(0x4e201c00 | (m)<<16 | (n)<<5 | (d))           // and vd.16b, vn.16b, vm.16b
#define BIT(d, n, m) WORD $(0x6ea01c00 | (m)<<16 | (n)<<5 | (d))           // bit vd.16b, vn.16b, vm.16b
#define BIF(d, n, m) WORD $(0x6ee01c00 | (m)<<16 | (n)<<5 | (d))           // bif vd.16b, vn.16b, vm.16b
#define ROT4(d, n) WORD $(0x6e002000 | (n)<<16 | (n)<<5 | (d))             // ext vd.16b, vn.16b, vn.16b, #4
#define ROT8(d, n) WORD $(0x6e004000 | (n)<<16 | (n)<<5 | (d))             // ext vd.16b, vn.16b, vn.16b, #8
#define ZERO(d) WORD $(0x6f00e400 | (d))                                   // movi vd.2d, #0x0
#define COPY(d, n) WORD $(0x4ea01c00 | (n)<<16 | (n)<<5 | (d))             // mov vd.16b, vn.16b

// The multiply-adds and products by element: d += n · m[e], d = n · m[e]. The element is bits 11 and 21.
#define FMLAE(d, n, m, e) WORD $(0x4f801000 | ((e)>>1)<<11 | ((e)&1)<<21 | (m)<<16 | (n)<<5|(d)) // fmla vd.4s, vn.4s, vm.s[e]
#define FMULE(d, n, m, e) WORD $(0x4f809000 | ((e)>>1)<<11 | ((e)&1)<<21 | (m)<<16 | (n)<<5|(d)) // fmul vd.4s, vn.4s, vm.s[e]
