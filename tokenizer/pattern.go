package tokenizer

import "bytes"

// readPattern reads {"pattern": {"String": ...}} or {"Regex": ...} of n.
func readPattern(n node) (pattern, error) {
	fields, err := n.fields()
	if err != nil {
		return nil, err
	}
	p, ok := fields["pattern"]
	if !ok {
		return nil, n.errorf(`no "pattern"`)
	}
	var f struct{ String, Regex *string }
	if p.raw[0] == '"' { // early files have the bare string
		f.String = new(string)
		err = p.decode(f.String)
	} else {
		err = p.decode(&f)
	}
	switch {
	case err != nil:
		return nil, err
	case f.String != nil:
		return literal(*f.String), nil
	case f.Regex != nil:
		if m, ok := scanners[*f.Regex]; ok {
			return m, nil
		}
		if m, ok := gapScanners[*f.Regex]; ok {
			return m, nil
		}
		re, err := compileRegex(*f.Regex)
		if err != nil {
			return nil, p.errorf("%v", err)
		}
		return re, nil
	}
	return nil, p.errorf(`want {"String": ...} or {"Regex": ...}`)
}

// literal matches a string.
type literal []byte

func (l literal) cuts(s []byte, dst []cut) ([]cut, error) {
	last := 0
	for last < len(s) {
		if len(l) == 0 {
			return emptyMatches(s, dst), nil
		}
		i := bytes.Index(s[last:], l)
		if i < 0 {
			break
		}
		if i > 0 {
			dst = append(dst, cut{int32(last), int32(last + i), false})
		}
		last += i + len(l)
		dst = append(dst, cut{int32(last - len(l)), int32(last), true})
	}
	if last < len(s) {
		dst = append(dst, cut{int32(last), int32(len(s)), false})
	}
	return dst, nil
}

// emptyMatches cuts s between all characters, as a pattern that matches the empty string everywhere does.
func emptyMatches(s []byte, dst []cut) []cut {
	last := 0
	for i := range string(s) {
		if last < i {
			dst = append(dst, cut{int32(last), int32(i), false})
		}
		dst = append(dst, cut{int32(i), int32(i), true})
		last = i
	}
	if last < len(s) {
		dst = append(dst, cut{int32(last), int32(len(s)), false})
	}
	return append(dst, cut{int32(len(s)), int32(len(s)), true})
}
