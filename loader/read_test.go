package loader

import (
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godwit-ml/godwit/internal/race"
	"github.com/godwit-ml/godwit/tensor"
)

// inMemory is a ByteFS over a folder of files.
type inMemory map[string][]byte

func (m inMemory) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (m inMemory) Bytes(name string) ([]byte, error) {
	if b, ok := m[name]; ok {
		return b, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// piecewise is a file system whose files are read by io.ReaderAt, as those of embed.FS are.
type piecewise struct{ dir fs.FS }

type readerAtFile struct{ *os.File }

func (p piecewise) Open(name string) (fs.File, error) {
	f, err := p.dir.Open(name)
	if err != nil {
		return nil, err
	}
	return readerAtFile{f.(*os.File)}, nil
}

// streaming is a file system whose files can only be read from begin to end, as those of a zip archive.
type streaming struct{ dir fs.FS }

type streamFile struct{ f fs.File }

func (s streamFile) Stat() (fs.FileInfo, error) { return s.f.Stat() }
func (s streamFile) Read(b []byte) (int, error) { return s.f.Read(b) }
func (s streamFile) Close() error               { return s.f.Close() }

func (s streaming) Open(name string) (fs.File, error) {
	f, err := s.dir.Open(name)
	if err != nil {
		return nil, err
	}
	return streamFile{f}, nil
}

// everyWay calls f with the same folder as each kind of file system that is read in its own way.
func everyWay(t *testing.T, dir string, f func(t *testing.T, fsys fs.FS)) {
	disk := os.DirFS(dir)
	mem := inMemory{}
	files, err := fs.Glob(disk, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if b, err := fs.ReadFile(disk, name); err == nil {
			mem[name] = b
		}
	}
	t.Run("mapped", func(t *testing.T) { f(t, disk) })
	t.Run("piecewise", func(t *testing.T) { f(t, piecewise{disk}) })
	t.Run("streaming", func(t *testing.T) { f(t, streaming{disk}) })
	t.Run("bytes", func(t *testing.T) { f(t, mem) })
}

// golden reads a JSON file of testdata.
func golden[T any](t *testing.T, name string) T {
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// sameFloats compares bit for bit, but one NaN for another.
func sameFloats(t *testing.T, name string, got []float32, want []uint32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", name, len(got), len(want))
	}
	for i, g := range got {
		w := math.Float32frombits(want[i])
		if math.Float32bits(g) != want[i] && !(g != g && w != w) {
			t.Errorf("%s[%d] = %g (%#08x), want %g (%#08x)", name, i, g, math.Float32bits(g), w, want[i])
		}
	}
}

// TestConvert compares every type with what PyTorch converts it to.
func TestConvert(t *testing.T) {
	want := golden[map[string]struct {
		Shape []int
		Bits  []uint32
	}](t, "types.json")
	everyWay(t, "testdata", func(t *testing.T, fsys fs.FS) {
		w, err := OpenFile(fsys, "types.safetensors")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if got := w.Metadata()["format"]; got != "pt" {
			t.Errorf("metadata: format %q, want pt", got)
		}
		seen := make(map[tensor.DType]bool)
		for _, name := range w.Names() {
			v, _ := w.View(name)
			seen[v.DType] = true
			x, ok := want[name]
			if !ok {
				if convertible(v.DType) {
					t.Errorf("%s: type %v converts, but its values are not known", name, v.DType)
				}
				continue
			}
			if !slices.Equal(v.Shape, x.Shape) {
				t.Errorf("%s: shape %v, want %v", name, v.Shape, x.Shape)
			}
			sameFloats(t, name, v.Float32(), x.Bits)
			row := make([]float32, v.Cols())
			for i := range v.Rows() {
				v.Row(i, row)
				sameFloats(t, name, row, x.Bits[i*v.Cols():(i+1)*v.Cols()])
			}
			if v.DType == tensor.F16 || v.DType == tensor.BF16 {
				narrow, raw := make([]uint16, v.Cols()), v.Raw()
				for i := range v.Rows() {
					v.Row16(i, narrow)
					for j, bits := range narrow {
						if want := binary.LittleEndian.Uint16(raw[2*(i*v.Cols()+j):]); bits != want {
							t.Errorf("%s: element [%d, %d] is %#x, want %#x", name, i, j, bits, want)
						}
					}
				}
			}
		}
		for d := tensor.Bool; d <= tensor.U64; d++ {
			if !seen[d] && d != tensor.F6E2M3 && d != tensor.F6E3M2 { // PyTorch has no 6-bit types
				t.Errorf("the file has no tensor of type %v", d)
			}
		}
		if err := w.Err(); err != nil {
			t.Error(err)
		}
	})
}

// TestFloat16 compares every half with its definition: sign · 2^(e-15) · 1.fraction, or 2^-14 · 0.fraction.
func TestFloat16(t *testing.T) {
	for h := range 1 << 16 {
		e, f := h>>10&31, float64(h&0x3ff)
		var want float64
		switch {
		case e == 31 && f != 0:
			want = math.NaN()
		case e == 31:
			want = math.Inf(1)
		case e == 0:
			want = math.Ldexp(f, -24)
		default:
			want = math.Ldexp(f+1024, e-25)
		}
		if h>>15 == 1 {
			want = math.Copysign(want, -1)
		}
		got := float16(uint16(h))
		if math.Float32bits(got) != math.Float32bits(float32(want)) && !(got != got && want != want) {
			t.Fatalf("float16(%#04x) = %g, want %g", h, got, want)
		}
	}
}

func TestInt8Scale(t *testing.T) {
	want := golden[map[string][]uint32](t, "int8.json")
	everyWay(t, "testdata", func(t *testing.T, fsys fs.FS) {
		w, err := OpenFile(fsys, "int8.safetensors")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for name, bits := range want {
			v, ok := w.View(name)
			if !ok {
				t.Fatalf("no tensor %s", name)
			}
			sameFloats(t, name, v.Float32(), bits)
			sameFloats(t, name, v.Reshape(v.Len()).Float32(), bits)
			row := make([]float32, v.Cols())
			for i := range v.Rows() {
				v.Row(i, row)
				sameFloats(t, name, row, bits[i*v.Cols():(i+1)*v.Cols()])
			}
			q, scale, ok := v.Int8()
			if !ok || len(q) != v.Len() || len(scale) != v.Shape[0] {
				t.Fatalf("%s: Int8 gives %d values, %d scales, %v", name, len(q), len(scale), ok)
			}
			products := make([]float32, len(q))
			for i := range q {
				products[i] = scale[i/(v.Len()/v.Shape[0])] * float32(q[i])
			}
			sameFloats(t, name, products, bits)
		}
		if v, _ := w.View("linear.weight_scale"); v != nil {
			if _, _, ok := v.Int8(); ok {
				t.Error("Int8 of an F32 tensor")
			}
		}
	})
}

// TestBytesAreShared: the tensors of a model inside the binary are used in place, those of a file on disk are copied.
func TestBytesAreShared(t *testing.T) {
	data, err := os.ReadFile("testdata/int8.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	w, err := OpenFile(inMemory{"x": data}, "x")
	if err != nil {
		t.Fatal(err)
	}
	v, _ := w.View("linear.weight")
	if raw := v.Raw(); &raw[0] != &data[v.begin] {
		t.Error("the bytes of a ByteFS were copied")
	}
	d, err := OpenFile(os.DirFS("testdata"), "int8.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	v, _ = d.View("linear.weight")
	raw := v.Raw()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(raw, data[v.begin:v.begin+35]) {
		t.Error("the copy does not outlive the mapping")
	}
}

func TestShards(t *testing.T) {
	everyWay(t, "testdata/sharded", func(t *testing.T, fsys fs.FS) {
		w, err := Open(fsys)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if n := len(w.Names()); n != 6 {
			t.Errorf("%d tensors, want 6", n)
		}
		for i, name := range w.Names() {
			v, _ := w.View(name)
			for _, x := range v.Float32() {
				if x != float32(i) {
					t.Fatalf("%s holds %g, want %d", name, x, i)
				}
			}
		}
		if got := w.Metadata()["format"]; got != "pt" {
			t.Errorf("metadata: format %q, want pt", got)
		}
	})
}

// TestCutShort cuts a mapped file short while it is in use: an error, not the end of the process.
func TestCutShort(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "model.safetensors")
	tensors := map[string]tensor.Tensor{"weight": tensor.New(256, 1024)}
	for _, keep := range []int64{200, 1 << 19, 1<<20 + 50} {
		if err := WriteFile(name, tensors, nil); err != nil {
			t.Fatal(err)
		}
		w, err := Open(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, keep); err != nil {
			w.Close()
			t.Skipf("this system does not cut a file that is in use: %v", err)
		}
		err = Bind(&linear{In: 1024, Out: 256}, w)
		if err == nil || !strings.HasPrefix(err.Error(), "loader: model.safetensors: ") {
			t.Errorf("cut to %d bytes: %v", keep, err)
		} else {
			t.Logf("cut to %d bytes: %v", keep, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestConcurrentRows reads rows from several goroutines.
func TestConcurrentRows(t *testing.T) {
	everyWay(t, "testdata", func(t *testing.T, fsys fs.FS) {
		w, err := OpenFile(fsys, "types.safetensors")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		v, _ := w.View("float16")
		want := v.Float32()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				row := make([]float32, v.Cols())
				for n := range 200 {
					i := n % v.Rows()
					v.Row(i, row)
					for j, x := range row {
						if math.Float32bits(x) != math.Float32bits(want[i*v.Cols()+j]) {
							t.Errorf("row %d differs", i)
							return
						}
					}
				}
			})
		}
		wg.Wait()
	})
}

// TestRowAllocs: reading a row allocates nothing, however the file is read.
func TestRowAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	if runtime.GOOS == "js" {
		t.Skip("reading a file allocates in package syscall/js")
	}
	everyWay(t, "testdata", func(t *testing.T, fsys fs.FS) {
		for _, file := range []string{"types.safetensors", "int8.safetensors"} {
			w, err := OpenFile(fsys, file)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			for _, name := range w.Names() {
				v, _ := w.View(name)
				if !convertible(v.DType) || v.Rows() == 0 {
					continue
				}
				row := make([]float32, v.Cols())
				if n := testing.AllocsPerRun(100, func() { v.Row(0, row) }); n != 0 {
					t.Errorf("%s %s: %g allocations a row", file, name, n)
				}
				if v.DType != tensor.F16 && v.DType != tensor.BF16 {
					continue
				}
				narrow := make([]uint16, v.Cols())
				if n := testing.AllocsPerRun(100, func() { v.Row16(0, narrow) }); n != 0 {
					t.Errorf("%s %s: %g allocations a row of 16 bits", file, name, n)
				}
			}
		}
	})
}

// TestGoldenModels opens every safetensors file of the reference data, and reads every tensor.
func TestGoldenModels(t *testing.T) {
	root := os.Getenv("GODWIT_GOLDEN")
	if root == "" {
		t.Skip("GODWIT_GOLDEN is not set: the reference data is not part of the repository")
	}
	files, tensors := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dir, name := filepath.Split(path)
		var w *Weights
		switch {
		case name == indexFile:
			w, err = Open(os.DirFS(dir))
		case strings.HasSuffix(name, ".safetensors"):
			w, err = OpenFile(os.DirFS(dir), name)
		default:
			return nil
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		defer w.Close()
		files++
		for _, n := range w.Names() {
			v, _ := w.View(n)
			tensors++
			if got := len(v.Float32()); got != v.Len() {
				t.Errorf("%s: %s: %d elements, want %d", path, n, got, v.Len())
			}
		}
		if err := w.Err(); err != nil {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files and indexes, %d tensors", files, tensors)
	if files < 100 {
		t.Errorf("only %d files found", files)
	}
}

// BenchmarkRow reads rows of 384 elements of a mapped file.
func BenchmarkRow(b *testing.B) {
	const rows, cols = 256, 384
	dir := b.TempDir()
	tensors := map[string]tensor.Tensor{"F32": tensor.New(rows, cols), "I8_scale": tensor.New(rows)}
	for _, d := range []tensor.DType{tensor.F16, tensor.BF16, tensor.F64, tensor.I8, tensor.F8E4M3} {
		tensors[d.String()] = tensor.Tensor{DType: d, Shape: []int{rows, cols}, Raw: make([]byte, rows*cols*d.Bits()/8)}
	}
	if err := WriteFile(filepath.Join(dir, singleFile), tensors, nil); err != nil {
		b.Fatal(err)
	}
	w, err := Open(os.DirFS(dir))
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	row := make([]float32, cols)
	for _, name := range w.Names() {
		v, _ := w.View(name)
		if v.Cols() != cols {
			continue
		}
		b.Run("type="+name, func(b *testing.B) {
			b.SetBytes(4 * cols)
			for i := range b.N {
				v.Row(i%rows, row)
			}
		})
	}
}
