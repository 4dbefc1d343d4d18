package awssim

import (
	"slices"
	"strings"
)

// A condition tells whether an item meets it; one that is not there is empty.
type condition func(item itemValues) bool

// An operand is what a condition compares; some items have none.
type operand func(item itemValues) (itemValue, bool)

// condition reads the condition under ConditionExpression; without one,
// everything meets it.
func (p *placeholders) condition(in M) (condition, error) {
	const what = "ConditionExpression"
	if !in.has(what) {
		return func(itemValues) bool { return true }, nil
	}
	e, err := p.expression(what, in.str(what))
	if err != nil {
		return nil, err
	}
	met, err := e.or()
	if err == nil && e.peek() != "" {
		err = e.unexpected()
	}
	return met, err
}

// or reads conditions joined by OR, which binds least.
func (e *expression) or() (condition, error) {
	return e.joined("OR", e.and, func(a, b condition) condition {
		return func(item itemValues) bool { return a(item) || b(item) }
	})
}

func (e *expression) and() (condition, error) {
	return e.joined("AND", e.not, func(a, b condition) condition {
		return func(item itemValues) bool { return a(item) && b(item) }
	})
}

func (e *expression) joined(word string, part func() (condition, error), join func(a, b condition) condition) (condition, error) {
	all, err := part()
	for err == nil && e.word(word) {
		var more condition
		if more, err = part(); err == nil {
			all = join(all, more)
		}
	}
	return all, err
}

func (e *expression) not() (condition, error) {
	if e.word("NOT") {
		met, err := e.not()
		return func(item itemValues) bool { return !met(item) }, err
	}
	if e.word("(") {
		met, err := e.or()
		if err == nil {
			err = e.expect(")")
		}
		return met, err
	}
	return e.comparison()
}

// called tells whether a function is called here.
func (e *expression) called() bool {
	return e.at+1 < len(e.tokens) && e.tokens[e.at+1] == "("
}

// comparison reads a function, or an operand with what it is compared with.
func (e *expression) comparison() (condition, error) {
	if e.called() && e.peek() != "size" {
		return e.function()
	}
	left, err := e.operand()
	if err != nil {
		return nil, err
	}
	switch {
	case e.word("BETWEEN"):
		return e.between(left)
	case e.word("IN"):
		return e.in(left)
	}
	operator := e.peek()
	if !slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, operator) {
		return nil, e.unexpected()
	}
	e.at++
	right, err := e.operand()
	return func(item itemValues) bool {
		a, hasA := left(item)
		b, hasB := right(item)
		return compares(operator, a, b, hasA && hasB)
	}, err
}

// compares applies an operator. With an operand that is not there, only <>
// holds.
func compares(operator string, a, b itemValue, both bool) bool {
	switch operator {
	case "=":
		return both && a.equal(b)
	case "<>":
		return !both || !a.equal(b)
	}
	order, ok := a.compare(b)
	if !both || !ok {
		return false
	}
	return order < 0 && operator[0] == '<' || order > 0 && operator[0] == '>' || order == 0 && len(operator) == 2
}

func (e *expression) between(left operand) (condition, error) {
	low, err := e.operand()
	if err != nil {
		return nil, err
	}
	if !e.word("AND") {
		return nil, e.unexpected()
	}
	high, err := e.operand()
	return func(item itemValues) bool {
		a, ok := left(item)
		from, hasFrom := low(item)
		to, hasTo := high(item)
		return compares(">=", a, from, ok && hasFrom) && compares("<=", a, to, ok && hasTo)
	}, err
}

func (e *expression) in(left operand) (condition, error) {
	if err := e.expect("("); err != nil {
		return nil, err
	}
	var members []operand
	for {
		member, err := e.operand()
		if err != nil {
			return nil, err
		}
		members = append(members, member)
		if e.word(")") {
			break
		}
		if err := e.expect(","); err != nil {
			return nil, err
		}
	}
	return func(item itemValues) bool {
		a, ok := left(item)
		return slices.ContainsFunc(members, func(member operand) bool {
			b, has := member(item)
			return compares("=", a, b, ok && has)
		})
	}, nil
}

// operand reads a path, a :value or size(path).
func (e *expression) operand() (operand, error) {
	if strings.HasPrefix(e.peek(), ":") {
		value, err := e.literal()
		return func(itemValues) (itemValue, bool) { return value, true }, err
	}
	if e.called() && e.word("size") {
		e.at++
		p, err := e.path()
		if err == nil {
			err = e.expect(")")
		}
		return func(item itemValues) (itemValue, bool) {
			value, ok := p.value(item)
			return value.length(), ok
		}, err
	}
	p, err := e.path()
	return p.value, err
}

// function reads a call that is a condition by itself.
func (e *expression) function() (condition, error) {
	name := e.next()
	e.at++ // the parenthesis
	p, err := e.path()
	if err != nil {
		return nil, err
	}
	var met condition
	switch name {
	case "attribute_exists", "attribute_not_exists":
		met = func(item itemValues) bool {
			_, ok := p.value(item)
			return ok == (name == "attribute_exists")
		}
	case "attribute_type", "begins_with", "contains":
		if err := e.expect(","); err != nil {
			return nil, err
		}
		argument, err := e.operand()
		if err != nil {
			return nil, err
		}
		met = func(item itemValues) bool {
			value, ok := p.value(item)
			with, has := argument(item)
			return ok && has && applies(name, value, with)
		}
	default:
		return nil, e.wrong("Invalid function name; function: %s", name)
	}
	return met, e.expect(")")
}

// applies applies a function of two arguments.
func applies(function string, value, with itemValue) bool {
	switch {
	case function == "attribute_type":
		return value.Type == with.Text
	case function == "begins_with":
		return value.Type == "S" && with.Type == "S" && strings.HasPrefix(value.Text, with.Text)
	case value.Type == "L":
		return slices.ContainsFunc(value.List, with.equal)
	case strings.HasSuffix(value.Type, "S") && len(value.Type) == 2:
		return slices.Contains(value.Set, with.Text) && value.Type[:1] == with.Type
	}
	return value.Type == "S" && with.Type == "S" && strings.Contains(value.Text, with.Text)
}
