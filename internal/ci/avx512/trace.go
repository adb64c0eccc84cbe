//go:build linux && amd64

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A tracer traces a process: all its threads, but not the processes that it starts.
type tracer struct {
	pid     int
	path    string
	program *program
	threads map[int]*machine // nil for one that has not yet been emulated

	// What ptrace reads and writes of the thread that has stopped.
	regs   syscall.PtraceRegs
	xstate []byte
	ymm    int // where the upper halves of YMM registers lie in xstate

	stops, instructions int
}

// start starts the program, stopped at its beginning. Only the caller's thread can trace it.
func start(args []string) (*tracer, error) {
	runtime.LockOSThread()
	path, err := exec.LookPath(args[0])
	if err != nil {
		return nil, err
	}
	natives, err := newNatives()
	if err != nil {
		return nil, err
	}
	// Preemption by signals would stop the threads for nothing.
	err = os.Setenv("GODEBUG", strings.TrimPrefix(os.Getenv("GODEBUG")+",asyncpreemptoff=1", ","))
	if err != nil {
		return nil, err
	}
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be traced: %w", path, err)
	}
	t := &tracer{
		pid: pid, path: path, threads: map[int]*machine{pid: nil}, ymm: int(ymmOffset()), xstate: make([]byte, 16384),
		program: &program{mem: newMemory(pid), natives: natives, decoded: map[uint64]*instr{}},
	}
	if err := t.begin(); err != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// begin lets the program go on from its beginning, if it can be traced.
func (t *tracer) begin() error {
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(t.pid, &status, 0, nil); err != nil || !status.Stopped() {
		return fmt.Errorf("did not start: %v, status %#x", err, status)
	}
	options := unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(t.pid, options); err != nil {
		return fmt.Errorf("options of ptrace: %w", err)
	}
	if err := syscall.PtraceGetRegs(t.pid, &t.regs); err != nil {
		return err
	}
	if err := t.program.mem.read(t.regs.Rip, make([]byte, 1)); err != nil {
		return fmt.Errorf("its memory: %w", err)
	}
	return syscall.PtraceCont(t.pid, 0)
}

// trace emulates the program's threads until it ends, and returns how it ended.
func (t *tracer) trace() (syscall.WaitStatus, error) {
	for {
		var status syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case !status.Stopped():
			delete(t.threads, tid)
			if tid == t.pid {
				return status, nil
			}
			continue
		}
		pass, err := t.stopped(tid, status)
		if err == nil {
			err = syscall.PtraceCont(tid, int(pass))
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) { // a thread may be killed while it is stopped
			return 0, err
		}
	}
}

// stopped does what is to be done at the stop of a thread, and returns the signal with which it goes on.
func (t *tracer) stopped(tid int, status syscall.WaitStatus) (pass syscall.Signal, err error) {
	_, known := t.threads[tid]
	switch signal := status.StopSignal(); {
	case status.TrapCause() == unix.PTRACE_EVENT_EXEC:
		clear(t.program.decoded)
		return 0, nil
	case status.TrapCause() > 0: // a new thread
		return 0, nil
	case signal == syscall.SIGSTOP && !known: // it begins so
		t.threads[tid] = nil
		return 0, nil
	case signal == syscall.SIGILL:
		return t.emulate(tid)
	default:
		return signal, nil
	}
}

// emulate emulates a thread that stopped at an instruction that the processor does not know. It returns that signal if it is
// none of AVX-512, and another one if the emulated access to memory was bad.
func (t *tracer) emulate(tid int) (pass syscall.Signal, err error) {
	t.stops++
	t.program.mem.forget()
	if err := syscall.PtraceGetRegs(tid, &t.regs); err != nil {
		return 0, err
	}
	if in, err := t.program.at(t.regs.Rip); err != nil || !in.avx512() {
		return syscall.SIGILL, nil
	}
	xstate := t.xstate
	if err := t.xstateRegs(unix.PTRACE_GETREGSET, tid, &xstate); err != nil {
		return 0, err
	}
	m := t.threads[tid]
	if m == nil {
		m = &machine{program: t.program, mem: t.program.mem}
		t.threads[tid] = m
	}
	if err := t.enter(m, xstate); err != nil {
		return 0, err
	}
	n, stop := m.run()
	t.instructions += n
	var bad *fault
	if stop != nil && !errors.As(stop, &bad) {
		return 0, fmt.Errorf("%w\nto see it: objdump -d --start-address=%#x --stop-address=%#x %s", stop, m.rip, m.rip+11, t.path)
	}
	t.leave(m, xstate)
	if err := t.xstateRegs(unix.PTRACE_SETREGSET, tid, &xstate); err != nil {
		return 0, err
	}
	if err := syscall.PtraceSetRegs(tid, &t.regs); err != nil {
		return 0, err
	}
	if bad == nil {
		return 0, nil
	}
	info := unix.Siginfo{Signo: int32(syscall.SIGSEGV), Code: 1} // SEGV_MAPERR
	*(*uint64)(unsafe.Add(unsafe.Pointer(&info), 16)) = bad.addr
	return syscall.SIGSEGV, ptrace(unix.PTRACE_SETSIGINFO, tid, 0, unsafe.Pointer(&info))
}

// The area of XSAVE: MXCSR, XMM registers, and a bit for each part that is not in its initial state, 0.
const (
	atMXCSR   = 24
	atXMM     = 160
	atPresent = 512
	hasXMM    = 1 << 1
	hasYMM    = 1 << 2
)

// enter copies the registers of the stopped thread to the machine. What the thread has done meanwhile to the upper halves
// of the emulated registers must be guessed: writing the lower half clears them, as instructions of AVX do.
func (t *tracer) enter(m *machine, xstate []byte) error {
	if mxcsr := binary.LittleEndian.Uint32(xstate[atMXCSR:]); mxcsr&^0x3f != 0x1f80 {
		return fmt.Errorf("MXCSR = %#x: only rounding to nearest, without exceptions, is emulated", mxcsr)
	}
	for i, r := range t.general() {
		m.gpr[i] = *r
	}
	m.rip, m.flags = t.regs.Rip, t.regs.Eflags
	present := binary.LittleEndian.Uint64(xstate[atPresent:])
	for i := range 16 {
		var low [32]byte
		if present&hasXMM != 0 {
			copy(low[:], xstate[atXMM+16*i:][:16])
		}
		if present&hasYMM != 0 {
			copy(low[16:], xstate[t.ymm+16*i:][:16])
		}
		if z := &m.z[i]; low != [32]byte(z[:]) || present&hasYMM == 0 {
			*z = vector{}
			copy(z[:], low[:])
		}
	}
	return nil
}

// leave copies the machine's registers to those of the stopped thread.
func (t *tracer) leave(m *machine, xstate []byte) {
	for i, r := range t.general() {
		*r = m.gpr[i]
	}
	t.regs.Rip, t.regs.Eflags = m.rip, m.flags
	present := binary.LittleEndian.Uint64(xstate[atPresent:])
	binary.LittleEndian.PutUint64(xstate[atPresent:], present|hasXMM|hasYMM)
	for i := range 16 {
		copy(xstate[atXMM+16*i:], m.z[i][:16])
		copy(xstate[t.ymm+16*i:], m.z[i][16:32])
	}
}

// general returns the general registers in the order of their numbers.
func (t *tracer) general() [16]*uint64 {
	r := &t.regs
	return [16]*uint64{&r.Rax, &r.Rcx, &r.Rdx, &r.Rbx, &r.Rsp, &r.Rbp, &r.Rsi, &r.Rdi,
		&r.R8, &r.R9, &r.R10, &r.R11, &r.R12, &r.R13, &r.R14, &r.R15}
}

// xstateRegs reads or writes the vector registers, and cuts what it has read to its size.
func (t *tracer) xstateRegs(request, tid int, xstate *[]byte) error {
	const ntX86XState = 0x202
	v := unix.Iovec{Base: &(*xstate)[0], Len: uint64(len(*xstate))}
	err := ptrace(request, tid, ntX86XState, unsafe.Pointer(&v))
	*xstate = (*xstate)[:v.Len]
	return err
}

func ptrace(request, tid, addr int, data unsafe.Pointer) error {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, uintptr(request), uintptr(tid), uintptr(addr), uintptr(data), 0, 0)
	if errno != 0 {
		return fmt.Errorf("ptrace %#x: %w", request, errno)
	}
	return nil
}
