package awssim

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An expression is one being read: DynamoDB's conditions and updates, by
// "Using expressions in DynamoDB". Names and values stand for #name and :value.
type expression struct {
	*placeholders
	what   string // ConditionExpression, UpdateExpression: for messages
	tokens []string
	at     int
}

// placeholders are what the expressions of one request may refer to. Each must
// be used by one of them.
type placeholders struct {
	names  map[string]string
	values itemValues
	used   map[string]bool
}

func readPlaceholders(in M) (*placeholders, error) {
	p := &placeholders{names: in.strMap("ExpressionAttributeNames"), used: make(map[string]bool)}
	expressed := in.has("ConditionExpression") || in.has("UpdateExpression") || in.has("ProjectionExpression")
	for _, kind := range []string{"Names", "Values"} {
		member := "ExpressionAttribute" + kind
		switch {
		case !in.has(member):
		case !expressed:
			return nil, refuse("ValidationException", "%s can only be specified when using expressions", member)
		case len(in.sub(member)) == 0:
			return nil, refuse("ValidationException", "%s must not be empty", member)
		}
	}
	for _, name := range sortedKeys(p.names) {
		if !placeholderForm.MatchString(name) || name[0] != '#' {
			return nil, refuse("ValidationException", `ExpressionAttributeNames contains invalid key: Syntax error; key: "%s"`, name)
		}
	}
	for _, name := range sortedKeys(in.sub("ExpressionAttributeValues")) {
		if !placeholderForm.MatchString(name) || name[0] != ':' {
			return nil, refuse("ValidationException", `ExpressionAttributeValues contains invalid key: Syntax error; key: "%s"`, name)
		}
	}
	var err error
	p.values, err = readAttributes(in.sub("ExpressionAttributeValues"))
	return p, err
}

var placeholderForm = regexp.MustCompile(`^[#:][A-Za-z0-9_]+$`)

// allUsed refuses names and values that no expression mentions.
func (p *placeholders) allUsed() error {
	unused := func(kind string, keys []string) error {
		keys = slices.DeleteFunc(keys, func(key string) bool { return p.used[key] })
		if len(keys) == 0 {
			return nil
		}
		return refuse("ValidationException", "Value provided in ExpressionAttribute%s unused in expressions: keys: {%s}", kind, strings.Join(keys, ", "))
	}
	if err := unused("Names", sortedKeys(p.names)); err != nil {
		return err
	}
	return unused("Values", sortedKeys(p.values))
}

var expressionToken = regexp.MustCompile(`^(?:[#:]?[A-Za-z0-9_]+|<>|<=|>=|[=<>()\[\],.+-])`)

// expression splits the text under a member into tokens.
func (p *placeholders) expression(what, text string) (*expression, error) {
	e := &expression{placeholders: p, what: what}
	if strings.TrimSpace(text) == "" {
		return nil, e.wrong("The expression can not be empty;")
	}
	for rest := strings.TrimSpace(text); rest != ""; {
		token := expressionToken.FindString(rest)
		if token == "" {
			return nil, e.wrong(`Syntax error; token: "%s", near: "%s"`, rest[:1], rest)
		}
		e.tokens = append(e.tokens, token)
		rest = strings.TrimSpace(rest[len(token):])
	}
	return e, nil
}

func (e *expression) wrong(format string, args ...any) error {
	return refuse("ValidationException", "Invalid "+e.what+": "+format, args...)
}

// unexpected refuses the token that comes next.
func (e *expression) unexpected() error {
	token := e.peek()
	if token == "" {
		token = "<EOF>"
	}
	return e.wrong(`Syntax error; token: "%s", near: "%s"`, token, strings.Join(e.tokens[max(0, e.at-1):min(len(e.tokens), e.at+2)], " "))
}

// peek is the next token; empty at the end.
func (e *expression) peek() string {
	if e.at < len(e.tokens) {
		return e.tokens[e.at]
	}
	return ""
}

func (e *expression) next() string {
	token := e.peek()
	e.at++
	return token
}

// word takes the next token if it is this keyword, in whatever case.
func (e *expression) word(keyword string) bool {
	if !strings.EqualFold(e.peek(), keyword) {
		return false
	}
	e.at++
	return true
}

// expect takes the next token, which must be this one.
func (e *expression) expect(token string) error {
	if e.peek() != token {
		return e.unexpected()
	}
	e.at++
	return nil
}

// A docPath leads to a value within an item: names, and indices into lists.
type docPath []step

// A step is a name, or with List an index.
type step struct {
	Name  string
	Index int
	List  bool
}

func (p docPath) String() string {
	var parts []string
	for _, s := range p {
		if s.List {
			parts = append(parts, "["+strconv.Itoa(s.Index)+"]")
		} else {
			parts = append(parts, s.Name)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// value is what the path leads to.
func (p docPath) value(item itemValues) (itemValue, bool) {
	at, ok := item[p[0].Name]
	for _, s := range p[1:] {
		switch {
		case !ok:
			return itemValue{}, false
		case s.List:
			if ok = s.Index < len(at.List); ok {
				at = at.List[s.Index]
			}
		default:
			at, ok = at.Map[s.Name]
		}
	}
	return at, ok
}

// path reads a document path: name.name[0].
func (e *expression) path() (docPath, error) {
	first, err := e.name()
	if err != nil {
		return nil, err
	}
	p := docPath{{Name: first}}
	for {
		switch {
		case e.word("."):
			name, err := e.name()
			if err != nil {
				return nil, err
			}
			p = append(p, step{Name: name})
		case e.word("["):
			index, err := strconv.Atoi(e.peek())
			if err != nil {
				return nil, e.unexpected()
			}
			e.at++
			if err := e.expect("]"); err != nil {
				return nil, err
			}
			p = append(p, step{Index: index, List: true})
		default:
			return p, nil
		}
	}
}

var attributeName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// name reads one name of a path.
func (e *expression) name() (string, error) {
	token := e.peek()
	switch {
	case strings.HasPrefix(token, "#"):
		name, ok := e.names[token]
		if !ok {
			return "", e.wrong("An expression attribute name used in the document path is not defined; attribute name: %s", token)
		}
		e.at++
		e.used[token] = true
		return name, nil
	case !attributeName.MatchString(token):
		return "", e.unexpected()
	case slices.Contains(reservedWords(), strings.ToUpper(token)):
		return "", e.wrong("Attribute name is a reserved keyword; reserved keyword: %s", token)
	}
	e.at++
	return token, nil
}

// literal reads a :value.
func (e *expression) literal() (itemValue, error) {
	value, ok := e.values[e.peek()]
	if !ok {
		return itemValue{}, e.wrong("An expression attribute value used in expression is not defined; attribute value: %s", e.peek())
	}
	e.used[e.next()] = true
	return value, nil
}

// reservedWords are those of DynamoDB's 573 reserved words ("Reserved words in
// DynamoDB") that attributes are likely to be called.
func reservedWords() []string {
	return strings.Fields(`ACCESS ACTION ADD ALL AND ANY AS AT ATTRIBUTE BATCH BETWEEN BY CLOCK COMMENT COMMIT
		CONDITION CONNECTION CONSISTENT COUNT COUNTER CURRENT DATA DATE DATETIME DAY DELETE DESCRIBE DOMAIN
		DURATION END EXISTS EXPIRE FIELD FILE FROM GROUP HASH HIDDEN HOLD HOUR IN INDEX ITEM KEY KEYS LEVEL
		LIMIT LOCATION LOCK LOCKS MODE NAME NAMESPACE NODE NOT NUMBER OR ORDER OWNER PARTITION PATH PERCENT
		PLAN POSITION PUT RANGE REFERENCES REGION REMOVE RESULT ROLE SECTION SESSION SET SIZE SOURCE SPACE
		START STATE STATUS STRING TABLE TEXT TIME TIMESTAMP TOKEN TOTAL TTL TYPE UNIT UPDATE USE USER USERS
		UUID VALUE VALUED VALUES VERSION VIEW VIEWS WHERE YEAR ZONE`)
}
