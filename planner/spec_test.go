package planner

import (
	"reflect"
	"strings"
	"testing"
)

func TestCheckSpec(t *testing.T) {
	type named string
	type inner struct {
		Port int `json:"port"`
	}
	tests := []struct {
		name string
		spec any
		want string // part of the error; "" for none
	}{
		{"all that is allowed", struct {
			S     string         `json:"s" plan:"replace"`
			N     named          `json:"n"`
			B     bool           `json:"b,omitempty"`
			I     int            `json:"i" plan:"replace,changes=x+y"`
			L     []string       `json:"l"`
			NL    []named        `json:"nl"`
			V     Value          `json:"v"`
			VL    []Value        `json:"vl"`
			Inner inner          `json:"inner"`
			Skip  map[string]int `json:"-"`
		}{}, ""},
		{"toy", toySpec{}, ""},
		{"nothing", nil, "a spec must be a struct, not <nil>"},
		{"a pointer", &inner{}, "a spec must be a struct, not *planner.inner"},
		{"a value", Value{}, "a spec must be a struct, not planner.Value"},
		{"a pointer field", struct {
			P *int `json:"p"`
		}{}, ".P of a spec has type *int; allowed are"},
		{"a float", struct {
			F float64 `json:"f"`
		}{}, "has type float64"},
		{"a map", struct {
			M map[string]string `json:"m"`
		}{}, "has type map[string]string"},
		{"a list of structs", struct {
			L []inner `json:"l"`
		}{}, "has type []planner.inner"},
		{"no json name", struct{ A string }{}, ".A of a spec has no json name"},
		{"not exported", struct {
			a string
		}{}, ".a of a spec is not exported"},
		{"a name twice", reflect.Zero(reflect.StructOf([]reflect.StructField{ // vet would object to it as a literal
			{Name: "A", Type: reflect.TypeFor[string](), Tag: `json:"x"`},
			{Name: "B", Type: reflect.TypeFor[string](), Tag: `json:"x"`},
		})).Interface(), `.B of a spec has the json name "x", which another field has too`},
		{"an unknown tag", struct {
			A string `json:"a" plan:"replaces"`
		}{}, `has the plan tag "replaces"; known are "replace" and "changes=a+b"`},
		{"a nested fault", struct {
			In struct {
				C complex64 `json:"c"`
			} `json:"in"`
		}{}, ".In.C of a spec has type complex64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckSpec(tt.spec)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("CheckSpec = %v; want %q", err, tt.want)
			}
		})
	}
}

func TestCheckSpecListsAllFaults(t *testing.T) {
	err := CheckSpec(struct {
		A string
		F float64 `json:"f"`
	}{})
	if err == nil || !strings.Contains(err.Error(), ".A of") || !strings.Contains(err.Error(), ".F of") {
		t.Errorf("CheckSpec = %v; want both faults", err)
	}
}

func TestLayout(t *testing.T) {
	type EmbeddedSpec struct {
		Flat string `json:"flat"`
	}
	type spec struct {
		Around struct {
			In struct {
				Deep string `json:"deep"`
			} `json:"in"`
			Out string `json:"out" plan:"changes=b"`
		} `json:"around" plan:"replace,changes=a"`
		EmbeddedSpec
	}
	l, err := layoutOf(reflect.TypeFor[spec]())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, leaf := range l {
		text := leaf.path
		if leaf.replace {
			text += " replace"
		}
		got = append(got, text+" "+strings.Join(leaf.changes, "+"))
	}
	if want := "around.in.deep replace a|around.out replace a+b|flat "; strings.Join(got, "|") != want {
		t.Errorf("layout %s; want %s", strings.Join(got, "|"), want)
	}
}

func TestResolve(t *testing.T) {
	spec := toySpec{
		Base:  ref("net/a", "net/z"),
		Links: []Value{ref("net/c"), Known("k"), ref("net/b"), ref("net/a")},
		Zones: []string{"z2", "z1"},
		Opts:  toyOpts{Next: Ref(toyAddr("net/b"), "arn")},
	}
	ids := map[string]string{"net/a id": "1", "net/b id": "k", "net/c id": "0", "net/b arn": "arn:b"}
	look := func(a Addr, out string) (string, bool) {
		text, ok := ids[a.Path()+" "+out]
		return text, ok
	}
	got, err := Resolve(spec, look)
	want := toySpec{
		Base:  Known("1"),
		Links: []Value{Known("0"), Known("1"), Known("k")},
		Zones: []string{"z1", "z2"},
		Opts:  toyOpts{Next: Known("arn:b")},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Resolve = %+v, %v; want %+v", got, err, want)
	}
	if spec.Zones[0] != "z2" || !spec.Links[0].IsRef() {
		t.Errorf("Resolve changed what it was given: %+v", spec)
	}
	delete(ids, "net/b arn")
	if _, err := Resolve(spec, look); err == nil || err.Error() != "output arn of net/b@home/r1 is not known" {
		t.Errorf("Resolve without net/b's arn: %v", err)
	}
	if _, err := Resolve(7, look); err == nil {
		t.Error("Resolve of no spec gives no error")
	}
}

func TestRefs(t *testing.T) {
	refs, err := Refs(toySpec{Base: ref("net/b", "net/a", "net/c"), Links: []Value{ref("net/b"), Known("x")}})
	want := []Addr{toyAddr("net/a"), toyAddr("net/b"), toyAddr("net/c")}
	if err != nil || !reflect.DeepEqual(refs, want) {
		t.Errorf("Refs = %v, %v; want %v", refs, err, want)
	}
	if _, err := Refs(7); err == nil {
		t.Error("Refs of no spec gives no error")
	}
}

// Addresses come back from tags, which anybody may write; targets from the
// command line. What is read is what was written.
func FuzzParsePath(f *testing.F) {
	f.Add("endpoint/fraud/risk")
	f.Add("services/fraud/consumers/risk")
	f.Add("services/fraud")
	f.Add("/")
	f.Add("a//")
	f.Add("kind/\u202ename\x00")
	f.Fuzz(func(t *testing.T, path string) {
		a, err := ParsePath(path, here)
		if err == nil && (a.Path() != path || a.Kind == "" || a.Name == "" || strings.Contains(a.Kind, "/")) {
			t.Errorf("ParsePath(%q) = %+v", path, a)
		}
		if err != nil && Clean(err.Error()) != err.Error() {
			t.Errorf("ParsePath(%q) says %q", path, err)
		}
		if g, err := ParseTarget(path); err == nil && (g.Target() != path || g.Service == "") {
			t.Errorf("ParseTarget(%q) = %+v", path, g)
		}
	})
}
