package kernels

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestPick(t *testing.T) {
	wrong := generic.with("avx512")
	wrong.check = true
	wrong.rows.dot = func(a, b []float32) float32 { return 1 }
	plain := generic.with("avx2")
	sets := []*Set{wrong, plain, generic}
	var log bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(old)
	for _, c := range []struct{ want, set, err string }{
		{"", "avx2", ""},
		{"avx2", "avx2", ""},
		{"generic", "generic", ""},
		{"avx512", "generic", "GODWIT_ISA=avx512: this machine or build cannot run it; it can run avx2, generic"},
		{"neon", "generic", "GODWIT_ISA=neon: this machine or build cannot run it; it can run avx512, avx2, generic"},
		{"AVX2", "generic", "GODWIT_ISA=AVX2: no such instruction set; there are generic, avx2, avx512, neon"},
	} {
		s, err := pick(sets, c.want)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if s.Name() != c.set || text != c.err {
			t.Errorf("pick(%q) = %s, %q; want %s, %q", c.want, s.Name(), text, c.set, c.err)
		}
	}
	if !strings.Contains(log.String(), "avx512: dot differs from the pure-Go routine") {
		t.Errorf("the log has %q", log.String())
	}
	if list := Sets(); list[len(list)-1] != generic {
		t.Error("generic is not the last Set")
	}
}
