package modelcard

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, in string
		want     Card
		err      string
	}{
		{"empty", "", Card{}, ""},
		{"no front matter", "# Model\nlicense: mit\n", Card{}, ""},
		{"lists and strings", "---\nlanguage: en\nlicense: apache-2.0\nlibrary_name: x\ntags:\n- a\ndatasets:\n- s2orc\n- snli\n" +
			"pipeline_tag: sentence-similarity\nbase_model: [a/b]\nwidget: {a: 1}\n---\n# M\n",
			Card{License: "apache-2.0", Languages: []string{"en"}, Library: "x", Datasets: []string{"s2orc", "snli"},
				Task: "sentence-similarity", BaseModels: []string{"a/b"}}, ""},
		{"other licence", "---\r\nlicense: other\r\nlicense_name: odd\r\nlicense_link: LICENSE\r\nlanguage:\r\n---\r\n",
			Card{License: "other", LicenseName: "odd", LicenseLink: "LICENSE"}, ""},
		{"odd types", "---\nlicense: {a: b}\nlanguage: [en, [x], no]\n---", Card{Languages: []string{"en", "no"}}, ""},
		{"limits", "# M\n## Intended uses\n\n<!-- x -->\nFor  sentences\nup to 256 pieces.\n\nMore.\n## Training\nbias\n### Limitations and bias ##\n",
			Card{Limits: []Section{{"Intended uses", "For sentences up to 256 pieces."}}}, ""},
		{"broken", "---\nlicense: [\n---\n# Limits\nNone.\n", Card{Limits: []Section{{"Limits", "None."}}},
			"modelcard: front matter: line 2: did not find expected node content"},
		{"unclosed", "---\nlicense: mit\n", Card{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.in)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// FuzzParse checks that no text panics or gives more than it holds.
func FuzzParse(f *testing.F) {
	f.Add("---\nlicense: mit\nlanguage:\n- en\n---\n# Limits\nx\n")
	f.Add("---\na: &a [*a, *a]\n---")
	f.Fuzz(func(t *testing.T, in string) {
		c, _ := Parse(in)
		for _, s := range c.Limits {
			if strings.ContainsAny(s.Text, "\n\t") {
				t.Fatalf("section %q", s.Text)
			}
		}
	})
}
