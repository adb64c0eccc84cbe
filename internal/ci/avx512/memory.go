//go:build linux && amd64

package main

import "golang.org/x/sys/unix"

const pageSize = 4096

// A memory is that of a process. What is read is kept by pages, until forget: while a thread is emulated, it does not see
// what others write meanwhile, as it might on a processor.
type memory struct {
	pid     int
	age     uint64 // of what is kept: what has another age is forgotten
	pages   [256]page
	local   [1]unix.Iovec
	distant [1]unix.RemoteIovec
}

type page struct {
	addr, age uint64
	data      [pageSize]byte
}

func newMemory(pid int) *memory { return &memory{pid: pid, age: 1} }

func (m *memory) forget() { m.age++ }

// kept returns where the page at addr is or would be kept.
func (m *memory) kept(addr uint64) (p *page, is bool) {
	base := addr &^ (pageSize - 1)
	p = &m.pages[base/pageSize%uint64(len(m.pages))]
	return p, p.addr == base && p.age == m.age
}

func (m *memory) read(addr uint64, b []byte) error {
	for len(b) > 0 {
		p, is := m.kept(addr)
		if !is {
			p.age = 0
			m.span(p.data[:], addr&^(pageSize-1))
			if n, err := unix.ProcessVMReadv(m.pid, m.local[:], m.distant[:], 0); err != nil || n < pageSize {
				return &fault{addr}
			}
			p.addr, p.age = addr&^(pageSize-1), m.age
		}
		n := copy(b, p.data[addr%pageSize:])
		b, addr = b[n:], addr+uint64(n)
	}
	return nil
}

func (m *memory) write(addr uint64, b []byte) error {
	m.span(b, addr)
	if n, err := unix.ProcessVMWritev(m.pid, m.local[:], m.distant[:], 0); err != nil || n < len(b) {
		return &fault{addr + uint64(max(n, 0))}
	}
	for len(b) > 0 {
		n := min(len(b), pageSize-int(addr%pageSize))
		if p, is := m.kept(addr); is {
			copy(p.data[addr%pageSize:], b[:n])
		}
		b, addr = b[n:], addr+uint64(n)
	}
	return nil
}

// span makes the vectors of a call for the bytes b here and those at addr there.
func (m *memory) span(b []byte, addr uint64) {
	m.local[0].Base = &b[0]
	m.local[0].SetLen(len(b))
	m.distant[0] = unix.RemoteIovec{Base: uintptr(addr), Len: len(b)}
}
