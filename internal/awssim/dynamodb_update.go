package awssim

import (
	"maps"
	"math/big"
	"strconv"
	"strings"
)

// An update changes an item. It looks only at the item as it was.
type update struct {
	paths   []docPath
	changes []change
}

// A change is one action of an update.
type change func(was, now itemValues) error

// update reads what stands under UpdateExpression: SET and REMOVE, and ADD of
// numbers, of whole attributes.
func (p *placeholders) update(in M) (*update, error) {
	const what = "UpdateExpression"
	u := &update{}
	if !in.has(what) {
		return u, nil
	}
	e, err := p.expression(what, in.str(what))
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	for e.peek() != "" {
		clause := strings.ToUpper(e.peek())
		if seen[clause] {
			return nil, e.wrong(`The "%s" section can only be used once in an update expression;`, clause)
		}
		seen[clause] = true
		if err := e.clause(u); err != nil {
			return nil, err
		}
	}
	return u, u.overlap(e)
}

// clause reads a keyword and its actions.
func (e *expression) clause(u *update) error {
	var action func(p docPath) (change, error)
	switch {
	case e.word("SET"):
		action = e.set
	case e.word("REMOVE"):
		action = func(p docPath) (change, error) {
			return func(_, now itemValues) error { delete(now, p[0].Name); return nil }, nil
		}
	case e.word("ADD"):
		action = e.add
	default:
		return e.unexpected()
	}
	for {
		p, err := e.path()
		if err != nil {
			return err
		}
		if len(p) > 1 {
			return e.wrong("The simulator does not update parts of an attribute yet: %s", p)
		}
		made, err := action(p)
		if err != nil {
			return err
		}
		u.paths, u.changes = append(u.paths, p), append(u.changes, made)
		if !e.word(",") {
			return nil
		}
	}
}

// overlap refuses two actions on one attribute.
func (u *update) overlap(e *expression) error {
	seen := make(map[string]bool)
	for _, p := range u.paths {
		if seen[p[0].Name] {
			return e.wrong("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", p, p)
		}
		seen[p[0].Name] = true
	}
	return nil
}

// set reads "= operand", perhaps with + or - and another.
func (e *expression) set(p docPath) (change, error) {
	if err := e.expect("="); err != nil {
		return nil, err
	}
	value, err := e.updateOperand()
	if err != nil {
		return nil, err
	}
	if sign := e.peek(); sign == "+" || sign == "-" {
		e.at++
		by, err := e.updateOperand()
		if err != nil {
			return nil, err
		}
		value = sum(value, by, sign == "-")
	}
	return func(was, now itemValues) error {
		a, err := value(was)
		if err == nil {
			now[p[0].Name] = a
		}
		return err
	}, nil
}

// A term is an operand of an update, which must be there.
type term func(item itemValues) (itemValue, error)

// updateOperand reads a path, a :value or if_not_exists(path, operand).
func (e *expression) updateOperand() (term, error) {
	if e.called() {
		return e.ifNotExists()
	}
	value, err := e.operand()
	return func(item itemValues) (itemValue, error) {
		a, ok := value(item)
		if !ok {
			return a, refuse("ValidationException", "The provided expression refers to an attribute that does not exist in the item")
		}
		return a, nil
	}, err
}

func (e *expression) ifNotExists() (term, error) {
	if name := e.next(); name != "if_not_exists" {
		return nil, e.wrong("Invalid function name; function: %s", name)
	}
	e.at++ // the parenthesis
	p, err := e.path()
	if err != nil {
		return nil, err
	}
	if err := e.expect(","); err != nil {
		return nil, err
	}
	otherwise, err := e.updateOperand()
	if err != nil {
		return nil, err
	}
	return func(item itemValues) (itemValue, error) {
		if a, ok := p.value(item); ok {
			return a, nil
		}
		return otherwise(item)
	}, e.expect(")")
}

// add reads the number that ADD adds.
func (e *expression) add(p docPath) (change, error) {
	by, err := e.literal()
	if err != nil {
		return nil, err
	}
	if by.Type != "N" {
		return nil, e.wrong("The simulator adds numbers only yet; operator: ADD, operand type: %s", by.Type)
	}
	have := func(item itemValues) (itemValue, error) {
		if a, ok := item[p[0].Name]; ok {
			return a, nil
		}
		return itemValue{Type: "N", Text: "0"}, nil
	}
	value := sum(have, func(itemValues) (itemValue, error) { return by, nil }, false)
	return func(was, now itemValues) error {
		a, err := value(was)
		if err == nil {
			now[p[0].Name] = a
		}
		return err
	}, nil
}

// sum is a plus or minus b.
func sum(a, b term, minus bool) term {
	return func(item itemValues) (itemValue, error) {
		x, err := a(item)
		if err != nil {
			return x, err
		}
		y, err := b(item)
		if err != nil {
			return y, err
		}
		if x.Type != "N" || y.Type != "N" {
			return x, refuse("ValidationException", "An operand in the update expression has an incorrect data type")
		}
		n := y.number()
		if minus {
			n.Neg(n)
		}
		text, err := canonicalNumber(new(big.Rat).Add(x.number(), n))
		return itemValue{Type: "N", Text: text}, err
	}
}

// apply gives the item as it is after the update.
func (u *update) apply(was itemValues) (itemValues, error) {
	now := maps.Clone(was)
	for _, change := range u.changes {
		if err := change(was, now); err != nil {
			return nil, err
		}
	}
	return now, nil
}

// length is what size() tells of a value.
func (a itemValue) length() itemValue {
	n := len(a.Text)
	switch a.Type {
	case "L":
		n = len(a.List)
	case "M":
		n = len(a.Map)
	case "SS", "NS", "BS":
		n = len(a.Set)
	}
	return itemValue{Type: "N", Text: strconv.Itoa(n)}
}
