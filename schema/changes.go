package schema

import (
	"maps"
	"reflect"
	"slices"
	"time"
)

// Changed are the services that two versions of a fleet have differently, by
// name, sorted; where in the files things stand does not count. Beyond is that
// the versions differ in anything else too, such as accounts.
func Changed(was, is *Fleet) (services []string, beyond bool) {
	names := slices.Collect(maps.Keys(was.Services))
	for name := range is.Services {
		if was.Services[name] == nil {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if !sameBut(reflect.ValueOf(was.Services[name]), reflect.ValueOf(is.Services[name])) {
			services = append(services, name)
		}
	}
	slices.Sort(services)
	restOfWas, restOfIs := *was, *is
	restOfWas.Services, restOfIs.Services = nil, nil
	return services, !sameBut(reflect.ValueOf(restOfWas), reflect.ValueOf(restOfIs))
}

// sameBut tells whether two values of one type are the same but for
// positions.
func sameBut(a, b reflect.Value) bool {
	switch {
	case a.Type() == reflect.TypeFor[Pos]():
		return true
	case a.Type() == reflect.TypeFor[time.Time]():
		return a.Interface().(time.Time).Equal(b.Interface().(time.Time))
	case a.Kind() == reflect.Struct:
		for i := range a.NumField() {
			if !sameBut(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case a.Kind() == reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return sameBut(a.Elem(), b.Elem())
	case a.Kind() == reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameBut(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case a.Kind() == reflect.Map:
		return sameMaps(a, b)
	}
	return a.Equal(b)
}

func sameMaps(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	for _, key := range a.MapKeys() {
		of := b.MapIndex(key)
		if !of.IsValid() || !sameBut(a.MapIndex(key), of) {
			return false
		}
	}
	return true
}
