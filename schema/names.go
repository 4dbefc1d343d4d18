package schema

import "fmt"

// CheckServiceName tells whether a service can be called that. The error says
// what a service's name looks like.
func CheckServiceName(name string) error {
	shape, err := readShape()
	if err != nil {
		return err
	}
	if services := shape.fields["services"]; !services.allows(name) {
		return fmt.Errorf("%q cannot be a service's name, which has %s", name, services.key)
	}
	return nil
}
