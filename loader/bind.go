package loader

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/godwit-ml/godwit/tensor"
)

// A Module is a part of a model that has parameters.
type Module interface {
	// Params declares the tensors that the module needs, and what is to be done with them.
	Params(s *Scope)
}

// A Scope is a place among the names of the tensors: the prefix of one module.
type Scope struct {
	b      *binder
	prefix string
	views  []*View // declared since the last Then
}

// Name returns the full name of a tensor of this module.
func (s *Scope) Name(name string) string { return join(s.prefix, name) }

// Need declares a tensor that must be there in exactly this shape. The View may be used only in a function given to Then.
func (s *Scope) Need(name string, shape ...int) *View {
	full := s.Name(name)
	v := s.b.find(full)
	if v == nil {
		s.b.err.Missing = append(s.b.err.Missing, Missing{full, slices.Clone(shape)})
		return &View{Name: full, Shape: shape}
	}
	return s.take(v, full, shape)
}

// Optional declares a tensor that, if it is there, must have this shape. It returns nil if it is not there.
func (s *Scope) Optional(name string, shape ...int) *View {
	full := s.Name(name)
	if v := s.b.find(full); v != nil {
		return s.take(v, full, shape)
	}
	return nil
}

func (s *Scope) take(v *View, name string, shape []int) *View {
	switch {
	case !slices.Equal(v.Shape, shape):
		s.b.err.Misshapen = append(s.b.err.Misshapen, Misshapen{name, slices.Clone(shape), v.Shape})
	case !convertible(v.DType):
		s.b.err.Unusable = append(s.b.err.Unusable, Unusable{name, fmt.Sprintf("type %v is not supported", v.DType)})
	case v.DType == tensor.I8 && len(shape) < 2:
		s.b.err.Unusable = append(s.b.err.Unusable, Unusable{name, "type I8 is for matrices, with a scale for each row"})
	case v.DType == tensor.I8 && v.scale == nil:
		reason := fmt.Sprintf("type I8 needs a scale %s of shape [%d] or [%[2]d groups]", shorten(v.Name)+scaleSuffix, v.Shape[0])
		s.b.err.Unusable = append(s.b.err.Unusable, Unusable{name, reason})
	}
	s.views = append(s.views, v)
	return v
}

// Then gives the function that takes the declared tensors in: packs, converts, copies. It is called once, after all of the
// model has been found to fit, possibly at the same time as those of other modules. When it returns, the memory of the
// tensors that were declared before it is given back to the system.
func (s *Scope) Then(f func()) {
	s.b.tasks = append(s.b.tasks, task{f, s.views})
	s.views = nil
}

// Bind declares the parameters of a part, a Module or a struct with tags, as [Bind] does for the whole model.
func (s *Scope) Bind(name string, part any) { s.b.walk(s.Name(name), reflect.ValueOf(part)) }

// Bind fills a model with tensors. model is a pointer to a struct; of its fields, those with a tag `st:"name"` count, and the
// tag is the part of the tensors' names that the field adds to its parent's:
//
//   - a [Module], by value or pointer or in an interface, is asked for its Params;
//   - another struct is walked in the same way;
//   - of a slice or array, element i adds ".i";
//   - a nil pointer or interface is passed over: the model was made without that part.
//
// An embedded struct needs no tag; it adds nothing. If anything is missing, misshapen or unused, Bind returns a *[BindError]
// and has called no function given to Then. Bind does not close w; the model does not refer to it afterwards, except to the
// bytes of a [ByteFS] that it took by View.Raw or View.Int8.
func Bind(model any, w *Weights) error {
	b := &binder{w: w, used: make(map[string]bool), err: BindError{File: w.name}}
	b.walk("", reflect.ValueOf(model))
	b.findUnused()
	if b.err.any() {
		return &b.err
	}
	b.run()
	for _, f := range w.files {
		f.checkUnchanged()
	}
	return w.Err()
}

type binder struct {
	w     *Weights
	used  map[string]bool
	tasks []task
	err   BindError
}

type task struct {
	f     func()
	views []*View
}

// find returns the tensor of this name, or the one that takes its place, or nil. It marks both as used.
func (b *binder) find(name string) *View {
	v := b.use(name)
	if fallback, ok := b.w.rules.Fallback[name]; ok {
		if f := b.use(fallback); v == nil {
			v = f
		}
	}
	return v
}

func (b *binder) use(name string) *View {
	v := b.w.views[name]
	if v != nil {
		b.used[name] = true
		if v.scale != nil {
			b.used[v.scale.Name] = true
		}
	}
	return v
}

func (b *binder) findUnused() {
	for _, name := range b.w.Names() {
		if !b.used[name] && !b.w.rules.ignored(name) {
			v := b.w.views[name]
			b.err.Unused = append(b.err.Unused, Unused{v.key, v.Shape})
		}
	}
}

func (b *binder) walk(prefix string, v reflect.Value) {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return
	}
	if m := asModule(v); m != nil {
		m.Params(&Scope{b: b, prefix: prefix})
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		b.walk(prefix, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			tag, ok := f.Tag.Lookup("st")
			switch {
			case !ok && !f.Anonymous:
			case !f.IsExported() && !f.Anonymous:
				panic(fmt.Sprintf("loader: field %s of %v is to be bound but is not exported", f.Name, v.Type()))
			default:
				b.walk(join(prefix, tag), v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			b.walk(join(prefix, strconv.Itoa(i)), v.Index(i))
		}
	default:
		panic(fmt.Sprintf("loader: %q: %v is neither a Module nor a struct", prefix, v.Type()))
	}
}

// asModule returns v or its address as a Module, or nil. An embedded struct of a type that is not exported is none: reflection
// gives its exported fields, but not itself.
func asModule(v reflect.Value) Module {
	if !v.CanInterface() {
		return nil
	}
	m, ok := v.Interface().(Module)
	if !ok && v.CanAddr() {
		m, _ = v.Addr().Interface().(Module)
	}
	return m
}

func join(prefix, name string) string {
	if prefix == "" || name == "" {
		return prefix + name
	}
	return prefix + "." + name
}

// run calls the functions, as many at a time as there are processors. A panic in one is passed on to the caller.
func (b *binder) run() {
	var next atomic.Int64
	var wg sync.WaitGroup
	var panicked atomic.Pointer[any]
	for range min(runtime.GOMAXPROCS(0), len(b.tasks)) {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					panicked.CompareAndSwap(nil, &r)
				}
			}()
			for panicked.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(b.tasks) {
					return
				}
				b.tasks[i].f()
				for _, v := range b.tasks[i].views {
					v.release()
				}
			}
		})
	}
	wg.Wait()
	if r := panicked.Load(); r != nil {
		panic(*r)
	}
}

// A BindError lists everything in which a file does not fit a model.
type BindError struct {
	File      string // the safetensors file, or the index of several
	Missing   []Missing
	Misshapen []Misshapen
	Unusable  []Unusable
	Unused    []Unused
}

// Missing is a tensor that a model needs and the file does not have.
type Missing struct {
	Name  string
	Shape []int
}

// Misshapen is a tensor of another shape than the model's.
type Misshapen struct {
	Name      string
	Want, Got []int
}

// Unusable is a tensor whose elements cannot be converted to float32.
type Unusable struct{ Name, Reason string }

// Unused is a tensor of the file, by its name there, that the model does not know.
type Unused struct {
	Name  string
	Shape []int
}

func (e *BindError) any() bool {
	return len(e.Missing)+len(e.Misshapen)+len(e.Unusable)+len(e.Unused) > 0
}

// Error returns a line that counts, and a line for each tensor, at most 20 of a kind.
func (e *BindError) Error() string {
	var counts []string
	var lines strings.Builder
	list := func(kind string, n int, line func(i int) string) {
		if n == 0 {
			return
		}
		counts = append(counts, fmt.Sprintf("%d %s", n, kind))
		const most = 20
		for i := range min(n, most) {
			fmt.Fprintf(&lines, "\n  %s: %s", kind, line(i))
		}
		if n > most {
			fmt.Fprintf(&lines, "\n  %s: and %d more", kind, n-most)
		}
	}
	list("missing", len(e.Missing), func(i int) string {
		return shorten(e.Missing[i].Name) + " " + shapeString(e.Missing[i].Shape)
	})
	list("misshapen", len(e.Misshapen), func(i int) string {
		m := e.Misshapen[i]
		return fmt.Sprintf("%s: want %s, got %s", shorten(m.Name), shapeString(m.Want), shapeString(m.Got))
	})
	list("unusable", len(e.Unusable), func(i int) string {
		return shorten(e.Unusable[i].Name) + ": " + e.Unusable[i].Reason
	})
	list("unused", len(e.Unused), func(i int) string {
		return shorten(e.Unused[i].Name) + " " + shapeString(e.Unused[i].Shape)
	})
	return fmt.Sprintf("loader: %s does not fit the model (%s); do config.json and the weights belong together?%s",
		e.File, strings.Join(counts, ", "), lines.String())
}
