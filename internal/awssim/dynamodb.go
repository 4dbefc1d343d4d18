package awssim

import (
	"fmt"
	"strings"
	"time"
)

// dynamoTables are the DynamoDB tables of a place, by name.
type dynamoTables struct {
	Tables table[*dynamoTable]
}

// A dynamoTable is a DynamoDB table.
type dynamoTable struct {
	Name, ARN, ID string
	Status        string // CREATING, ACTIVE
	Created       time.Time
	Keys          []dynamoKey // the partition key, then the sort key if there is one
	Reads, Writes int64       // provisioned units a second; 0: on demand
	Protected     bool
	Items         map[string]*dynamoItem // by their keys' values
}

// A dynamoKey is an attribute of a table's key.
type dynamoKey struct{ Name, Type string }

func dynamoOperations() map[string]operation {
	return map[string]operation{
		"CreateTable":   createTable,
		"DescribeTable": describeTable,
		"GetItem":       getItem,
		"PutItem":       putItem,
		"UpdateItem":    updateItem,
		"DeleteItem":    deleteItem,
	}
}

func dynamoEvents() map[string]eventHandler {
	return map[string]eventHandler{"dynamodb.active": func(s *Sim, e event) {
		if t := s.cellOf(e.Account, e.Region).Dynamo.Tables.get(e.ID); t != nil {
			t.Status = "ACTIVE"
		}
	}}
}

// addTable makes a table of the world file, of string keys and on demand.
func (s *Sim) addTable(l *cell, name string, w WorldTable) error {
	if w.HashKey == "" {
		return fmt.Errorf("hashKey is required")
	}
	t := newTable(l, name)
	t.Created, t.ID, t.Status = s.now(), s.newHex(32), "ACTIVE"
	t.Keys = []dynamoKey{{w.HashKey, "S"}}
	if w.RangeKey != "" {
		t.Keys = append(t.Keys, dynamoKey{w.RangeKey, "S"})
	}
	l.Dynamo.Tables.put(name, t)
	return nil
}

func newTable(l *cell, name string) *dynamoTable {
	return &dynamoTable{
		Name: name, ARN: "arn:aws:dynamodb:" + l.Region + ":" + l.Account + ":table/" + name,
		Status: "CREATING", Items: make(map[string]*dynamoItem),
	}
}

// createTable serves tables without indexes, streams and replicas.
func createTable(c *call) (M, error) {
	name := c.in.str("TableName")
	if len(name) < 3 || len(name) > 255 || strings.ContainsFunc(name, func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("_.-", r) }) {
		return nil, refuse("ValidationException", "TableName must be at least 3 characters long and at most 255 characters long and contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	for _, unserved := range []string{"LocalSecondaryIndexes", "GlobalSecondaryIndexes", "StreamSpecification", "GlobalTableSourceArn"} {
		if c.in.has(unserved) {
			return nil, refuse("ValidationException", "The simulator does not have the parameter %s of CreateTable yet.", unserved)
		}
	}
	if c.cell().Dynamo.Tables.has(name) {
		return nil, refuse("ResourceInUseException", "Table already exists: %s", name)
	}
	t := newTable(c.cell(), name)
	t.Created, t.ID, t.Protected = c.now, c.newHex(32), c.in.flag("DeletionProtectionEnabled")
	if err := t.setKeys(c.in); err != nil {
		return nil, err
	}
	if err := t.setCapacity(c.in); err != nil {
		return nil, err
	}
	c.cell().Dynamo.Tables.put(name, t)
	if d := c.latency("tableCreate"); d > 0 {
		c.at(d, "dynamodb.active", c.account, c.region, name)
	} else {
		t.Status = "ACTIVE"
	}
	return M{"TableDescription": t.describe()}, nil
}

func (t *dynamoTable) setKeys(in M) error {
	types := make(map[string]string)
	for _, d := range in.list("AttributeDefinitions") {
		types[d.str("AttributeName")] = d.str("AttributeType")
	}
	for i, k := range in.list("KeySchema") {
		name, role := k.str("AttributeName"), k.str("KeyType")
		switch {
		case i > 1:
			return refuse("ValidationException", "1 validation error detected: Value '%v' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2", in["KeySchema"])
		case role != []string{"HASH", "RANGE"}[i]:
			return refuse("ValidationException", "Invalid KeySchema: The %s KeySchemaElement is not a %s key type", []string{"first", "second"}[i], []string{"HASH", "RANGE"}[i])
		case types[name] == "":
			return refuse("ValidationException", "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]", name, strings.Join(sortedKeys(types), ", "))
		}
		t.Keys = append(t.Keys, dynamoKey{name, types[name]})
	}
	if len(t.Keys) == 0 {
		return refuse("ValidationException", "One or more parameter values were invalid: Missing KeySchema")
	}
	if len(types) != len(t.Keys) {
		return refuse("ValidationException", "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return nil
}

func (t *dynamoTable) setCapacity(in M) error {
	units := in.sub("ProvisionedThroughput")
	onDemand := in.str("BillingMode") == "PAY_PER_REQUEST"
	switch {
	case onDemand && units != nil:
		return refuse("ValidationException", "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case !onDemand && units == nil:
		return refuse("ValidationException", "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	t.Reads, t.Writes = units.num("ReadCapacityUnits"), units.num("WriteCapacityUnits")
	return nil
}

func describeTable(c *call) (M, error) {
	t, name := c.namedTable()
	if t == nil {
		return nil, refuse("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
	}
	return M{"Table": t.describe()}, nil
}

func (t *dynamoTable) describe() M {
	var keys, types []M
	for i, k := range t.Keys {
		keys = append(keys, M{"AttributeName": k.Name, "KeyType": []string{"HASH", "RANGE"}[i]})
		types = append(types, M{"AttributeName": k.Name, "AttributeType": k.Type})
	}
	items := int64(0)
	for _, i := range t.Items {
		if i.latest() != nil {
			items++
		}
	}
	shown := M{
		"TableName": t.Name, "TableArn": t.ARN, "TableId": t.ID, "TableStatus": t.Status, "CreationDateTime": t.Created,
		"KeySchema": list(keys), "AttributeDefinitions": list(types), "ItemCount": items, "TableSizeBytes": int64(0),
		"DeletionProtectionEnabled": t.Protected,
		"ProvisionedThroughput":     M{"ReadCapacityUnits": t.Reads, "WriteCapacityUnits": t.Writes, "NumberOfDecreasesToday": int64(0)},
	}
	if t.Writes == 0 {
		shown["BillingModeSummary"] = M{"BillingMode": "PAY_PER_REQUEST"}
	}
	return shown
}

// namedTable finds the table that a request names, by name or ARN; nil if the
// caller has none of that name.
func (c *call) namedTable() (*dynamoTable, string) {
	name := c.in.str("TableName")
	if rest, ok := strings.CutPrefix(name, c.arn("dynamodb", "table/")); ok {
		name = rest
	}
	return c.cell().Dynamo.Tables.get(name), name
}

// itemTable is the table of an operation on items, which must be active.
func (c *call) itemTable() (*dynamoTable, error) {
	t, _ := c.namedTable()
	if t == nil || t.Status != "ACTIVE" {
		return nil, refuse("ResourceNotFoundException", "Requested resource not found")
	}
	return t, nil
}

// dynamoLimits follows "Quotas in Amazon DynamoDB": a new table on demand takes
// 4,000 writes and 12,000 reads a second; one with provisioned units saves up
// those of 300 seconds.
func dynamoLimits(c *call) []limit {
	t, name := c.namedTable()
	if t == nil || strings.HasSuffix(c.op, "Table") {
		return []limit{{"dynamodb:" + c.op, 500, 500, 1}}
	}
	by := limit{"dynamodb writes " + name, 4000, 4000, 1}
	if readOnly(c.op) {
		by = limit{"dynamodb reads " + name, 12000, 12000, 0.5}
		if c.in.flag("ConsistentRead") {
			by.cost = 1
		}
	}
	units := t.Writes
	if readOnly(c.op) {
		units = t.Reads
	}
	if units > 0 {
		by.capacity, by.rate = float64(300*units), float64(units)
	}
	return []limit{by}
}

// dynamoThrottled tells a table's own throughput from the one AWS gives to
// tables on demand.
func dynamoThrottled(c *call) *Error {
	if t, _ := c.namedTable(); t != nil && t.Writes > 0 {
		return refuse("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")
	}
	return refuse("ThrottlingException", "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.")
}
