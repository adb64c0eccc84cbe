// noavx512.c hides AVX-512 and AMX from a program, so that another engine can be timed on its AVX2 code on a machine that has
// more (Linux on x86-64 whose kernel and processor can make CPUID fault):
//
//	cc -O2 -shared -fPIC -o noavx512.so bench/peers/py/noavx512.c
//	LD_PRELOAD=$PWD/noavx512.so go run ./bench/peers -model DIR -peers godwit:avx2,onnxruntime
//
// CPUID is made to fault for the process and the threads that it starts; the handler executes it and clears the bits. godwit is
// linked statically, so that nothing is preloaded into it: GODWIT_ISA chooses its instruction set.
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { ARCH_CPUID = 0x1012 }; // arch_prctl: 0 makes CPUID fault, 1 allows it

static struct sigaction previous;

static void fault(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint8_t *code = (const uint8_t *)r[REG_RIP];
	if (info->si_code != SI_KERNEL || code[0] != 0x0f || code[1] != 0xa2) {
		sigaction(sig, &previous, NULL); // not CPUID: fault again, without this handler
		return;
	}
	uint32_t leaf = r[REG_RAX], sub = r[REG_RCX], a, b, c, d;
	syscall(SYS_arch_prctl, ARCH_CPUID, 1);
	__cpuid_count(leaf, sub, a, b, c, d);
	syscall(SYS_arch_prctl, ARCH_CPUID, 0);
	if (leaf == 7 && sub == 0) {
		b &= ~(1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31);
		c &= ~(1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14);
		d &= ~(1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25);
	}
	if (leaf == 7 && sub == 1)
		a &= ~(1u << 5);
	r[REG_RAX] = a, r[REG_RBX] = b, r[REG_RCX] = c, r[REG_RDX] = d;
	r[REG_RIP] += 2;
}

__attribute__((constructor)) static void hide(void)
{
	struct sigaction s;
	memset(&s, 0, sizeof s);
	s.sa_sigaction = fault;
	s.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigaction(SIGSEGV, &s, &previous);
	if (syscall(SYS_arch_prctl, ARCH_CPUID, 0) != 0) {
		static const char text[] = "noavx512: this machine cannot make CPUID fault\n";
		if (write(2, text, sizeof text - 1)) {}
		_exit(1);
	}
}
