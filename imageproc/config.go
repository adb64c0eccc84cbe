package imageproc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/internal/files"
)

// A class is what a processor of Transformers does where its configuration says nothing.
type class struct {
	resample   Filter
	mean, std  [3]float64
	size, crop sizeConfig
	shortest   bool // a size that is one number is that of the shortest edge, not of a square
	centerCrop bool
	convertRGB bool
	cropPct    float64 // not 0: the resize of ConvNeXT
	floats     bool    // what DINOv3 does: rescale first, and resize float32, which only torchvision's backend has
	noPad      bool    // do_pad means nothing
}

var (
	half3        = [3]float64{0.5, 0.5, 0.5}
	imageNetMean = [3]float64{0.485, 0.456, 0.406}
	imageNetStd  = [3]float64{0.229, 0.224, 0.225}
	clipMean     = [3]float64{0.48145466, 0.4578275, 0.40821073}
	clipStd      = [3]float64{0.26862954, 0.26130258, 0.27577711}
	square224    = sizeConfig{height: 224, width: 224}
)

// edgeCrop is what CLIP's processor does, and others after it.
var edgeCrop = class{resample: Bicubic, mean: clipMean, std: clipStd, size: sizeConfig{shortest: 224}, crop: square224,
	shortest: true, centerCrop: true, convertRGB: true}

// classes are the processors that are known, by the name of their class without its ending.
var classes = map[string]class{
	"Beit":        {resample: Bicubic, mean: half3, std: half3, size: square224, crop: square224, noPad: true},
	"Bit":         edgeCrop,
	"Blip":        {resample: Bicubic, mean: clipMean, std: clipStd, size: sizeConfig{height: 384, width: 384}, convertRGB: true},
	"CLIP":        edgeCrop,
	"ChineseCLIP": edgeCrop,
	"ConvNext": {resample: Bicubic, mean: half3, std: half3, size: sizeConfig{shortest: 384}, shortest: true,
		cropPct: 224.0 / 256, noPad: true},
	"DeiT": {resample: Bicubic, mean: half3, std: half3, size: sizeConfig{height: 256, width: 256}, crop: square224,
		centerCrop: true},
	"DINOv3ViT": {resample: Bilinear, mean: imageNetMean, std: imageNetStd, size: square224, floats: true, noPad: true},
	"MobileNetV1": {resample: Bilinear, mean: half3, std: half3, size: sizeConfig{shortest: 256}, crop: square224,
		shortest: true, centerCrop: true},
	"Pvt":    {resample: Bicubic, mean: imageNetMean, std: imageNetStd, size: square224},
	"Siglip": {resample: Bicubic, mean: half3, std: half3, size: square224, shortest: true, convertRGB: true},
	"ViT":    {resample: Bilinear, mean: half3, std: half3, size: square224},
}

// classOf says which class the models of a type have whose configuration names none.
var classOf = map[string]string{
	"beit": "Beit", "bit": "Bit", "blip": "Blip", "chinese_clip": "ChineseCLIP", "clip": "CLIP", "convnext": "ConvNext",
	"convnextv2": "ConvNext", "deit": "DeiT", "dinov2": "Bit", "dinov2_with_registers": "Bit",
	"dinov3_vit": "DINOv3ViT", "mobilenet_v1": "MobileNetV1",
	"pvt": "Pvt", "siglip": "Siglip", "swin": "ViT", "swinv2": "ViT", "vit": "ViT", "vit_mae": "ViT", "vit_msn": "ViT",
}

// sizeConfig is a size as configurations have it. Fields that are not given are 0.
type sizeConfig struct {
	height, width       int
	shortest, longest   int // edges
	maxHeight, maxWidth int
}

// warpFrom is the size from which on ConvNeXT does not crop.
const warpFrom = 384

// limitConfig is the most bytes that are read of a configuration.
const limitConfig = 1 << 20

// Open reads the processor of a model's folder: the image_processor of processor_config.json, if it has one, or else
// preprocessor_config.json. Where neither names the processor's class, config.json's model_type does.
func Open(fsys fs.FS) (*Processor, error) {
	const nested, plain = "processor_config.json", "preprocessor_config.json"
	b, err := files.Read(fsys, nested, limitConfig)
	if err == nil {
		var c struct {
			Image json.RawMessage `json:"image_processor"`
		}
		if err := json.Unmarshal(b, &c); err != nil {
			return nil, fmt.Errorf("imageproc: %s: %s", nested, files.JSONCause(err))
		}
		if len(c.Image) > 0 && !isNull(c.Image) {
			return parse(c.Image, nested, fsys)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("imageproc: %w", err)
	}
	b, err = files.Read(fsys, plain, limitConfig)
	if errors.Is(err, fs.ErrNotExist) {
		if err := files.Folder(fsys); err != nil {
			return nil, fmt.Errorf("imageproc: %w", err)
		}
		return nil, files.NotExist("imageproc: " + plain + " is not there: is this the folder of a model for images?")
	} else if err != nil {
		return nil, fmt.Errorf("imageproc: %w", err)
	}
	return parse(b, plain, fsys)
}

// Parse reads a processor's configuration, the text of a preprocessor_config.json. It must name its class.
func Parse(config []byte) (*Processor, error) { return parse(config, "the configuration", nil) }

// parse reads a configuration; name is what errors call it. fsys, if any, has config.json.
func parse(b []byte, name string, fsys fs.FS) (*Processor, error) {
	p, err := parseConfig(b, fsys)
	if err != nil {
		return nil, fmt.Errorf("imageproc: %s: %w", name, err)
	}
	return p, nil
}

func parseConfig(b []byte, fsys fs.FS) (*Processor, error) {
	var c config
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, errors.New(files.JSONCause(err))
	}
	name, k, fast, err := c.class(fsys)
	if err != nil {
		return nil, err
	}
	p := &Processor{class: name, floats: k.floats, resize: c.flag("do_resize", true, &err),
		centerCrop: c.flag("do_center_crop", k.centerCrop, &err), rescale: c.flag("do_rescale", true, &err),
		normalize: c.flag("do_normalize", true, &err), convertRGB: c.flag("do_convert_rgb", k.convertRGB, &err)}
	if fast || k.floats {
		p.backend = Torchvision
	}
	// Without a pad_size it would be up to the largest of a batch.
	if c.flag("do_pad", false, &err) && !k.noPad && c["pad_size"] != nil && !isNull(c["pad_size"]) {
		read(c, "pad_size", &p.pad, sizeConfig{}, false, &err, func(b []byte) (sizeConfig, error) { return parseSize(b, false) })
	}
	if p.class == "CLIP" && c.flag("use_square_size", false, &err) { // KOSMOS-2's: the square of the class, whatever size says
		k.size = sizeConfig{height: k.size.shortest, width: k.size.shortest}
		delete(c, "size")
	}
	edge := !c.flag("default_to_square", !k.shortest, &err)
	read(c, "size", &p.size, k.size, p.resize, &err, func(b []byte) (sizeConfig, error) { return parseSize(b, edge) })
	read(c, "crop_size", &p.crop, k.crop, p.centerCrop, &err, func(b []byte) (sizeConfig, error) { return parseSize(b, false) })
	read(c, "resample", &p.filter, k.resample, p.resize, &err, parseFilter)
	read(c, "rescale_factor", &p.factor, 1/255.0, p.rescale, &err, parseNumber)
	if k.cropPct != 0 {
		p.convNext = true
		read(c, "crop_pct", &p.cropPct, k.cropPct, p.resize && p.size.shortest < warpFrom, &err, parseNumber)
	}
	read(c, "image_mean", &p.mean, k.mean, p.normalize, &err, parseColours)
	read(c, "image_std", &p.std, k.std, p.normalize, &err, parseColours)
	if err != nil {
		return nil, err
	}
	if p.normalize && slices.Contains(p.std[:], 0) {
		return nil, errors.New("image_std holds 0")
	}
	if err := p.checkBackend(); err != nil {
		return nil, err
	}
	if err := p.checkSizes(); err != nil {
		return nil, err
	}
	p.fillValues()
	return p, nil
}

// config is the JSON of a processor. A key that is not there has the value of the class, but null is Python's None: a step that
// is None is not done, and a step that is done needs what is None.
type config map[string]json.RawMessage

func isNull(b json.RawMessage) bool { return string(bytes.TrimSpace(b)) == "null" }

// flag returns a boolean. The first error of several calls stays in err.
func (c config) flag(key string, otherwise bool, err *error) bool {
	b, ok := c[key]
	if !ok {
		return otherwise
	}
	v := false
	if json.Unmarshal(b, &v) != nil && *err == nil {
		*err = fmt.Errorf("%s is %s, must be true or false", key, short(b))
	}
	return v
}

// read parses the value of a key. needed is whether null is an error.
func read[T any](c config, key string, to *T, otherwise T, needed bool, err *error, parse func([]byte) (T, error)) {
	b, ok := c[key]
	switch {
	case *err != nil:
	case !ok:
		*to = otherwise
		if _, isSize := any(otherwise).(sizeConfig); isSize && needed && any(otherwise).(sizeConfig) == (sizeConfig{}) {
			*err = fmt.Errorf("there is no %s", key)
		}
	case isNull(b):
		if needed {
			*err = fmt.Errorf("%s is null, but it is needed", key)
		}
	default:
		v, e := parse(b)
		if e != nil {
			*err = fmt.Errorf("%s is %s, %w", key, short(b), e)
		}
		*to = v
	}
}

// short returns a JSON value on one line, shortened.
func short(b []byte) string {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil || out.Len() > 60 {
		return string(out.Bytes()[:min(out.Len(), 60)]) + "..."
	}
	return out.String()
}

// class returns the class that the configuration names, or else that of the model, and whether it names the fast one.
func (c config) class(fsys fs.FS) (name string, k class, fast bool, err error) {
	var full, key string
	for _, key = range []string{"image_processor_type", "feature_extractor_type"} {
		if json.Unmarshal(c[key], &full) == nil && full != "" {
			break
		}
	}
	if full == "" {
		if fsys == nil {
			return "", k, false, errors.New("it has no image_processor_type")
		}
		var model struct {
			Type string `json:"model_type"`
		}
		b, err := files.Read(fsys, "config.json", limitConfig)
		if err == nil {
			err = json.Unmarshal(b, &model)
		}
		name = classOf[model.Type]
		if err != nil || name == "" {
			return "", k, false, errNoClass
		}
		return name, classes[name], false, nil
	}
	name = full
	for _, end := range []string{"Pil", "Fast", "ImageProcessor", "FeatureExtractor"} {
		name = strings.TrimSuffix(name, end)
	}
	if name == "Siglip2" {
		return "", k, false, fmt.Errorf("%s %q keeps the aspect of images (NaFlex), which is not supported", key, full)
	}
	k, ok := classes[name]
	if !ok || name == full {
		known := slices.Sorted(maps.Keys(classes))
		return "", k, false, fmt.Errorf("%s %q is not supported; supported are %sImageProcessor", key, full,
			strings.Join(known, "ImageProcessor, "))
	}
	return name, k, strings.HasSuffix(full, "Fast"), nil
}

var errNoClass = errors.New("it has no image_processor_type, and no config.json with a model_type whose processor is known")

func parseNumber(b []byte) (v float64, err error) {
	if json.Unmarshal(b, &v) != nil {
		return 0, errors.New("must be a number")
	}
	return v, nil
}

func parseFilter(b []byte) (f Filter, err error) {
	if json.Unmarshal(b, (*int)(&f)) != nil || !f.valid() {
		return 0, fmt.Errorf("must be a filter's number, 0 to %d", len(filters)-1)
	}
	return f, nil
}

// parseColours reads a number for each of red, green and blue, or one for all.
func parseColours(b []byte) (v [3]float64, err error) {
	if json.Unmarshal(b, &v[0]) == nil {
		return [3]float64{v[0], v[0], v[0]}, nil
	}
	var list []float64
	if json.Unmarshal(b, &list) != nil || len(list) != 3 {
		return v, errors.New("must be 3 numbers, or one for all")
	}
	return [3]float64(list), nil
}

// parseSize reads a size: a number (edge says whether it is the shortest edge's, or a square's), height and width, or an object.
func parseSize(b []byte, edge bool) (s sizeConfig, err error) {
	var n int
	var list []int
	var object map[string]*int
	switch {
	case json.Unmarshal(b, &n) == nil:
		s = sizeConfig{height: n, width: n}
		if edge {
			s = sizeConfig{shortest: n}
		}
		return s, s.check([]int{n})
	case json.Unmarshal(b, &list) == nil:
		if len(list) != 2 {
			return s, errors.New("must be height and width")
		}
		return sizeConfig{height: list[0], width: list[1]}, s.check(list)
	case json.Unmarshal(b, &object) != nil:
		return s, errors.New("must be a number, a list of height and width, or an object")
	}
	fields := map[string]*int{"height": &s.height, "width": &s.width, "shortest_edge": &s.shortest,
		"longest_edge": &s.longest, "max_height": &s.maxHeight, "max_width": &s.maxWidth}
	for key, v := range object {
		if v == nil {
			continue
		}
		to, ok := fields[key]
		if !ok {
			return s, fmt.Errorf("and %q is not supported", key)
		}
		*to = *v
		list = append(list, *v)
	}
	return s, s.check(list)
}

// maxSize is the largest side that a configuration may ask for.
const maxSize = 1 << 15

// check returns an error if a number cannot be a side.
func (sizeConfig) check(sides []int) error {
	for _, n := range sides {
		if n < 1 || n > maxSize {
			return fmt.Errorf("must be from 1 to %d", maxSize)
		}
	}
	if len(sides) == 0 {
		return errors.New("must not be empty")
	}
	return nil
}

// checkSizes returns an error if a step has no size to work to.
func (p *Processor) checkSizes() error {
	s := p.size
	switch {
	case !p.resize:
	case p.convNext && s.shortest == 0:
		return errors.New("size must have shortest_edge")
	case p.convNext && s.shortest < warpFrom && !(p.cropPct > 0 && float64(s.shortest)/p.cropPct < maxSize+1):
		return fmt.Errorf("crop_pct is %v: the shortest edge to resize to would not be from 1 to %d", p.cropPct, maxSize)
	case s.shortest == 0 && (s.height == 0 || s.width == 0) && (s.maxHeight == 0 || s.maxWidth == 0):
		return errors.New("size must have height and width, shortest_edge, or max_height and max_width")
	}
	if p.pad != (sizeConfig{}) && (p.pad.height == 0 || p.pad.width == 0) {
		return errors.New("pad_size must have height and width")
	}
	if p.centerCrop && (p.crop.height == 0 || p.crop.width == 0) {
		return errors.New("crop_size must have height and width")
	}
	return nil
}
