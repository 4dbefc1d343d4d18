package awssim

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A dynamoItem is an item with what it was before, for reads that lag.
type dynamoItem struct {
	Versions []itemVersion // the newest last
}

// An itemVersion is an item since a time; nil: it was not there.
type itemVersion struct {
	At   time.Time
	Item itemValues
}

// maxItem is DynamoDB's limit to the size of an item ("Quotas in Amazon
// DynamoDB").
const maxItem = 400 << 10

// itemHistory is how long it is remembered what an item was.
const itemHistory = 5 * time.Minute

// latest is the item as it is; nil if it is not there.
func (i *dynamoItem) latest() itemValues {
	if i == nil || len(i.Versions) == 0 {
		return nil
	}
	return i.Versions[len(i.Versions)-1].Item
}

// asOf is the item as it was at a time.
func (i *dynamoItem) asOf(t time.Time) itemValues {
	if i == nil {
		return nil
	}
	for _, v := range slices.Backward(i.Versions) {
		if !v.At.After(t) {
			return v.Item
		}
	}
	return nil
}

// write puts or, with nil, deletes an item.
func (t *dynamoTable) write(key string, now time.Time, item itemValues) {
	have := t.Items[key]
	if have == nil {
		have = &dynamoItem{}
		t.Items[key] = have
	}
	have.Versions = append(have.Versions, itemVersion{now, item})
	for len(have.Versions) > 1 && now.Sub(have.Versions[1].At) > itemHistory {
		have.Versions = have.Versions[1:]
	}
}

// key is the identity of the item that key values name. With whole, item is
// a whole item; otherwise it must be the key alone.
func (t *dynamoTable) key(item itemValues, whole bool) (string, error) {
	if !whole && len(item) != len(t.Keys) {
		return "", refuse("ValidationException", "The provided key element does not match the schema")
	}
	var parts []string
	for _, k := range t.Keys {
		value, ok := item[k.Name]
		switch {
		case !ok && whole:
			return "", refuse("ValidationException", "One or more parameter values were invalid: Missing the key %s in the item", k.Name)
		case !ok, value.Type != k.Type && !whole:
			return "", refuse("ValidationException", "The provided key element does not match the schema")
		case value.Type != k.Type:
			return "", refuse("ValidationException", "One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", k.Name, k.Type, value.Type)
		case value.Text == "":
			return "", refuse("ValidationException", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", k.Name)
		}
		parts = append(parts, value.String())
	}
	return strings.Join(parts, ""), nil
}

// An itemCall is an operation on one item, read and checked.
type itemCall struct {
	*call
	*placeholders
	table *dynamoTable
	given itemValues // the key, or the whole item
	key   string
}

// item reads what the operations on items have in common.
func (c *call) item(member string) (*itemCall, error) {
	for _, legacy := range []string{"Expected", "AttributeUpdates", "ConditionalOperator", "AttributesToGet"} {
		if c.in.has(legacy) {
			return nil, refuse("ValidationException", "The simulator does not have the legacy parameter %s; say it with an expression.", legacy)
		}
	}
	holders, err := readPlaceholders(c.in)
	if err != nil {
		return nil, err
	}
	i := &itemCall{call: c, placeholders: holders}
	if i.given, err = readAttributes(c.in.sub(member)); err != nil {
		return nil, err
	}
	if i.table, err = c.itemTable(); err != nil {
		return nil, err
	}
	i.key, err = i.table.key(i.given, member == "Item")
	return i, err
}

// getItem reads an item: as it is, or without ConsistentRead perhaps as it was
// a while ago.
func getItem(c *call) (M, error) {
	i, err := c.item("Key")
	if err != nil {
		return nil, err
	}
	if c.in.has("ProjectionExpression") {
		return nil, refuse("ValidationException", "The simulator does not have the parameter ProjectionExpression yet.")
	}
	item := i.table.Items[i.key].latest()
	if !c.in.flag("ConsistentRead") {
		item = i.table.Items[i.key].asOf(c.now.Add(-max(c.latency("itemLag"), c.stale)))
	}
	if item == nil {
		return M{}, nil
	}
	return M{"Item": item.wire()}, nil
}

func putItem(c *call) (M, error) {
	i, err := c.item("Item")
	if err != nil {
		return nil, err
	}
	if err := c.returns("NONE", "ALL_OLD"); err != nil {
		return nil, err
	}
	return i.change(func(itemValues) (itemValues, error) { return i.given, nil })
}

func deleteItem(c *call) (M, error) {
	i, err := c.item("Key")
	if err != nil {
		return nil, err
	}
	if err := c.returns("NONE", "ALL_OLD"); err != nil {
		return nil, err
	}
	return i.change(func(itemValues) (itemValues, error) { return nil, nil })
}

// updateItem changes an item, or makes it.
func updateItem(c *call) (M, error) {
	i, err := c.item("Key")
	if err != nil {
		return nil, err
	}
	if err := c.returns("NONE", "ALL_OLD", "ALL_NEW"); err != nil {
		return nil, err
	}
	u, err := i.update(c.in)
	if err != nil {
		return nil, err
	}
	for _, p := range u.paths {
		if _, isKey := i.given[p[0].Name]; isKey {
			return nil, refuse("ValidationException", "One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", p[0].Name)
		}
	}
	return i.change(func(was itemValues) (itemValues, error) {
		if was == nil {
			was = i.given
		}
		return u.apply(was)
	})
}

// returns refuses a ReturnValues that the operation does not take.
func (c *call) returns(values ...string) error {
	if c.in.has("ReturnValues") && !slices.Contains(values, c.in.str("ReturnValues")) {
		return refuse("ValidationException", "Return values set to invalid value")
	}
	return nil
}

// change replaces the item by what it is to become, if it meets the
// condition.
func (i *itemCall) change(become func(was itemValues) (itemValues, error)) (M, error) {
	met, err := i.condition(i.in)
	if err != nil {
		return nil, err
	}
	if err := i.allUsed(); err != nil {
		return nil, err
	}
	was := i.table.Items[i.key].latest()
	if !met(was) {
		return nil, i.conditionFailed(was)
	}
	now, err := become(maps.Clone(was))
	if err != nil {
		return nil, err
	}
	if now.size() > maxItem {
		return nil, refuse("ValidationException", "Item size has exceeded the maximum allowed size")
	}
	i.table.write(i.key, i.now, now)
	switch i.in.str("ReturnValues") {
	case "ALL_OLD":
		return shown(was), nil
	case "ALL_NEW":
		return shown(now), nil
	}
	return M{}, nil
}

func shown(item itemValues) M {
	if item == nil {
		return M{}
	}
	return M{"Attributes": item.wire()}
}

// conditionFailed refuses, with the item that did not meet the condition where
// that was asked for.
func (i *itemCall) conditionFailed(was itemValues) error {
	refusal := refuse("ConditionalCheckFailedException", "The conditional request failed")
	if was != nil && i.in.str("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" {
		refusal.With = map[string]any{"Item": was.wire()}
	}
	return refusal
}
