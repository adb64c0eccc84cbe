// Package loader reads the weights of a model from safetensors files and binds them to the fields of a Go struct.
//
// # Reading
//
// [Open] finds model.safetensors, or the shards that model.safetensors.index.json lists, in an fs.FS. Where the file
// system gives an *os.File (os.DirFS does), the file is mapped into memory; where it is a [ByteFS] (a model inside the
// binary), its bytes are used as they are; anything else is read piece by piece. The header is validated completely before
// an offset in it is used. Nothing is converted until it is asked for: a [View] is a tensor in the file, and View.Row
// converts one row to float32, whatever the type in the file.
//
// # Binding
//
// A model is a struct whose fields carry the names of their tensors, as far as they do not repeat:
//
//	type layer struct {
//		Query  nn.Linear    `st:"attention.self.query"`
//		Output nn.Linear    `st:"attention.output.dense"`
//		Norm   nn.LayerNorm `st:"attention.output.LayerNorm"`
//	}
//	type encoder struct {
//		Layers []layer `st:"encoder.layer"` // encoder.layer.0, encoder.layer.1, ...
//	}
//
// A field whose type is a [Module] declares what it needs. A Linear reads so:
//
//	func (l *Linear) Params(s *loader.Scope) {
//		w := s.Need("weight", l.Out, l.In)
//		b := s.Optional("bias", l.Out)
//		s.Then(func() {
//			l.w = exec.Pack(l.In, l.Out, w.Row)
//			if b != nil {
//				l.bias = b.Float32()
//			}
//		})
//	}
//
// [Bind] first collects all declarations and compares them with the file. A tensor that is missing, has another shape, or
// is used by nobody is an error, and one [BindError] lists all of them. Only when everything fits do the functions given to
// Then run, several at a time.
//
// What differs between files of the same architecture (a base model's prefix, old names, tied weights, tensors that old
// files carry and nobody uses) is data: [Rules].
//
// # A mapped file that changes
//
// A file that is cut short while it is mapped makes reads beyond its new end fault, which normally kills the process. Here
// every read of mapped memory goes through one function that turns the fault into an error: [Bind] returns it, and
// [Weights.Err] holds it. Views copy or convert; no slice of mapped memory is ever handed out, so that after Bind the
// mapping can be closed and nothing depends on the file any more.
package loader
