package files

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJSONCause(t *testing.T) {
	type value struct {
		Count *int               `json:"count"`
		Size  float64            `json:"size"`
		Name  string             `json:"name"`
		On    bool               `json:"on"`
		List  []int              `json:"list"`
		Map   map[string]float64 `json:"map"`
		Inner struct {
			N uint8 `json:"n"`
		} `json:"inner"`
	}
	for _, c := range [][2]string{
		{`{"count": 1.5}`, `"count" is 1.5, not a whole number`},
		{`{"count": "3"}`, `"count" is a string, not a whole number`},
		{`{"size": true}`, `"size" is true or false, not a number`},
		{`{"name": 7}`, `"name" is a number, not a string`},
		{`{"on": "yes"}`, `"on" is a string, not true or false`},
		{`{"list": {}}`, `"list" is an object, not an array`},
		{`{"map": []}`, `"map" is an array, not an object`},
		{`{"inner": {"n": 300}}`, `"inner.n" is 300, not a whole number`},
		{`[]`, "it is a JSON array"},
		{``, "it is empty"},
		{`{"size": 1`, "unexpected end of JSON input"},
		{`{oops}`, "invalid character 'o' looking for beginning of object key string"},
	} {
		var v value
		err := json.NewDecoder(strings.NewReader(c[0])).Decode(&v)
		if err == nil {
			t.Errorf("%s: no error, want %s", c[0], c[1])
		} else if got := JSONCause(err); got != c[1] {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
}
