package main

import (
	"strings"
	"testing"
)

func TestSummarise(t *testing.T) {
	const in = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:7: set GODWIT_GOLDEN: no data\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestC","Output":"    b_test.go:9: byte 123 is bad\n"}
{"Action":"skip","Package":"p","Test":"TestC","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestD","Output":"    b_test.go:9: byte 4567 is bad\n"}
{"Action":"skip","Package":"p","Test":"TestD","Elapsed":0}
{"Action":"output","Package":"p","Output":"kernels: sets exercised: avx2, generic\n"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p","Elapsed":0.1}
`
	const want = `kernels: sets exercised: avx2, generic
ok    p  0.1s
skipped, by reason:
     2  byte N is bad (p.TestC, ...)
     1  set GODWIT_GOLDEN: no data (p.TestB)
1 passed, 0 failed, 3 skipped
`
	var b strings.Builder
	ok, err := summarise(&b, strings.NewReader(in))
	if err != nil || !ok || b.String() != want {
		t.Errorf("summarise = %v, %v, printed:\n%s\nwant:\n%s", ok, err, b.String(), want)
	}
}

func TestSummariseFailure(t *testing.T) {
	const failure = `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: 1 != 2\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p","Elapsed":0.1}
`
	for name, c := range map[string]struct{ in, want string }{
		"test":     {failure, "    a_test.go:7: 1 != 2\nFAIL  p  0.1s\n0 passed, 1 failed, 0 skipped\n"},
		"nothing":  {"", "0 passed, 0 failed, 0 skipped\n"},
		"not JSON": {"# p\nvet: x.go:1\n{\"Action\":\"fail\",\"Package\":\"p\"}\n", "# p\nvet: x.go:1\nFAIL  p  0.0s\n0 passed, 1 failed, 0 skipped\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			ok, err := summarise(&b, strings.NewReader(c.in))
			if err != nil || ok || b.String() != c.want {
				t.Errorf("summarise = %v, %v, printed:\n%s\nwant:\n%s", ok, err, b.String(), c.want)
			}
		})
	}
}
