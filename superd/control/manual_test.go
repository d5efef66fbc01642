package control

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestTheManualHasEveryField: superd-control(7) names each field of the schema.
func TestTheManualHasEveryField(t *testing.T) {
	page, err := os.ReadFile("../../packaging/man/superd-control.7")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ.PkgPath() != reflect.TypeFor[Status]().PkgPath() || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" && !f.Anonymous {
				t.Errorf("%s.%s has no name in JSON", typ, f.Name)
			}
			if name != "" && !regexp.MustCompile(`\b`+name+`\b`).Match(page) {
				t.Errorf("superd-control(7) does not have %s of %s", name, typ)
			}
			look(f.Type)
		}
	}
	for _, v := range []any{Status{}, Explanation{}, Reloaded{}, Done{}, Dump{}} {
		look(reflect.TypeOf(v))
	}
}
