package godwit

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/imageproc"
)

// An Image is an image that a task is given: a file, a stream or pixels. It is opened and decoded when its turn comes, so that
// a list of many images takes little memory. JPEG, PNG, GIF, WebP, BMP and TIFF are known, by their content, whatever their name.
type Image struct {
	name   string
	open   func() (io.ReadCloser, error)
	pixels image.Image
}

// ImageFile is the image in the file of that path.
func ImageFile(path string) Image {
	return Image{name: path, open: func() (io.ReadCloser, error) {
		switch st, err := os.Stat(path); {
		case err != nil:
			return nil, err
		case st.IsDir():
			return nil, errors.New("is a folder, not a file")
		}
		return os.Open(path)
	}}
}

// ImageReader is the image that r gives until its end. The name is what errors call it. r is read once, from another goroutine
// than that which calls the task, and not by two tasks at a time.
func ImageReader(name string, r io.Reader) Image {
	return Image{name: name, open: func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}
}

// ImageBytes is the image that an encoded file holds. The name is what errors call it.
func ImageBytes(name string, data []byte) Image {
	return Image{name: name, open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// ImageOf is an image that is decoded already. Its alpha is left out. It must not change until the task has ended.
func ImageOf(m image.Image) Image { return Image{pixels: m} }

// Name returns the path of a file, or the name that the image was given; it may be empty.
func (i Image) Name() string { return i.name }

// imageTypes are the extensions of the files that are taken for images when a folder is read.
var imageTypes = []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}

// ErrNoImages is what [ImageFiles] reports of a folder without images.
var ErrNoImages = errors.New("there is no image in this folder")

// ImageFiles returns the paths of the images among the paths and in the folders among them, sorted and without duplicates. A
// path that is named is taken whatever its name; in a folder and those below it, files are chosen by extension. Hidden files
// and folders are left out, and symbolic links are not followed. A path that does not exist is an error. What cannot be read
// further down, and a folder of the paths in which there is no image ([ErrNoImages]), is reported to note, which may be nil.
func ImageFiles(paths []string, note func(path string, err error)) ([]string, error) {
	var files []string
	for _, root := range paths {
		info, err := os.Stat(root)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", root, cause(err))
		}
		if !info.IsDir() {
			files = append(files, filepath.Clean(root))
			continue
		}
		before := len(files)
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			hidden := path != root && strings.HasPrefix(d.Name(), ".")
			switch {
			case err != nil:
				if note != nil {
					note(path, cause(err))
				}
			case d.IsDir() && hidden:
				return fs.SkipDir
			case d.Type().IsRegular() && !hidden && slices.Contains(imageTypes, strings.ToLower(filepath.Ext(path))):
				files = append(files, filepath.Clean(path))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before && note != nil {
			note(root, ErrNoImages)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// cause returns an error without the operation and the path that the file functions of Go put before it.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// An ImageError says which image of a task could not be used, and why.
type ImageError struct {
	Index int    // in the list that the task was given
	Name  string // of the image, may be empty
	Err   error
}

func (e *ImageError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("image %d: %v", e.Index, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Name, e.Err)
}

// Unwrap returns the cause.
func (e *ImageError) Unwrap() error { return e.Err }

// An imageReader decodes images, in memory that it keeps from one to the next.
type imageReader struct {
	file   bytes.Buffer
	pixels imageproc.Image
}

// process reads an image and writes its pixel_values to what room returns for their height and width.
func (r *imageReader) process(i *Image, o imageproc.Options, p *imageproc.Processor, room func(height, width int) ([]float32, error)) error {
	switch {
	case i.pixels != nil:
		if err := imageproc.FromImage(&r.pixels, i.pixels, o); err != nil {
			return err
		}
		height, width, err := p.Shape(r.pixels.Width, r.pixels.Height)
		if err != nil {
			return err
		}
		dst, err := room(height, width)
		if err != nil {
			return err
		}
		return p.Process(dst, &r.pixels)
	case i.open == nil:
		return errors.New("it is the zero Image: make one with ImageFile, ImageReader, ImageBytes or ImageOf")
	}
	f, err := i.open()
	if err != nil {
		return cause(err)
	}
	defer f.Close()
	r.file.Reset()
	if f, ok := f.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Size() < imageproc.MaxBytes {
			r.file.Grow(int(st.Size()) + bytes.MinRead)
		}
	}
	if _, err := r.file.ReadFrom(io.LimitReader(f, imageproc.MaxBytes+1)); err != nil {
		return cause(err)
	}
	if r.file.Len() > imageproc.MaxBytes {
		return fmt.Errorf("imageproc: the image has more than %d bytes", imageproc.MaxBytes)
	}
	return p.ProcessFile(r.file.Bytes(), o, &r.pixels, room)
}
