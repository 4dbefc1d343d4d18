package awssim

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func tableWorld() World {
	w := coreWorld()
	home := w.Accounts[homeAccount]
	region := home.Regions["us-east-1"]
	region.Tables = map[string]WorldTable{"leases": {HashKey: "fleet"}, "pairs": {HashKey: "a", RangeKey: "b"}}
	home.Regions["us-east-1"] = region
	w.Accounts[homeAccount] = home
	return w
}

func onTables(t *testing.T, test func(r *rig, db *dynamodb.Client)) {
	t.Helper()
	inBubble(t, Options{World: tableWorld()}, func(r *rig) { test(r, dynamodb.NewFromConfig(r.as(homeAccount))) })
}

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue  { return &types.AttributeValueMemberN{Value: s} }

// show is an item's values of simple types.
func show(values item, name string) string {
	switch v := values[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

func TestConditions(t *testing.T) {
	values := item{
		":p": text("payments"), ":n": num("7"), ":7": num("7.0"), ":8": num("8"), ":pay": text("pay"), ":S": text("S"),
		":blue": text("blue"), ":c": num("100"), ":10": num("1e1"),
	}
	names := map[string]string{"#who": "owner", "#n": "n", "#strange": "odd.name", "#m": "m"}
	for condition, met := range map[string]bool{
		"attribute_exists(fleet)":             true,
		"attribute_not_exists(fleet)":         false,
		"attribute_not_exists(#strange)":      true,
		"#n = :7":                             true,
		"#n = :p":                             false,
		"#n <> :p":                            true,
		"ghost <> :p":                         true,
		"ghost = :p":                          false,
		"#n < :10 AND #n > :n":                false,
		"#n >= :n and #n <= :n":               true,
		"#n < :10":                            true,
		"#n < :p":                             false,
		"NOT #n = :8":                         true,
		"not (#n = :8 or #n = :7)":            false,
		"#n = :8 OR #n = :n AND #who = :p":    true,
		"(#n = :8 OR #n = :n) AND #who <> :p": false,
		"#n BETWEEN :n AND :8":                true,
		"#n BETWEEN :8 AND :10":               false,
		"#n IN (:8, :n)":                      true,
		"#n IN (:8, :p)":                      false,
		"begins_with(#who, :pay)":             true,
		"contains(#who, :pay) AND contains(tags, :blue)": true,
		"contains(tags, :pay)":                           false,
		"attribute_type(#who, :S)":                       true,
		"size(#who) = :8":                                true,
		"size(ghost) = :8":                               false,
		"#m.deep[1] = :8":                                true,
		"#m.deep[2] = :8":                                false,
		"attribute_exists(#m.flat)":                      false,
	} {
		t.Run(condition, func(t *testing.T) {
			onTables(t, func(r *rig, db *dynamodb.Client) {
				_, err := db.PutItem(r.Context(), &dynamodb.PutItemInput{TableName: aws.String("leases"), Item: item{
					"fleet": text("x"), "n": num("7"), "owner": text("payments"),
					"tags": &types.AttributeValueMemberSS{Value: []string{"red", "blue"}},
					"m":    &types.AttributeValueMemberM{Value: item{"deep": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1"), num("8")}}}},
				}})
				r.must(err)
				in := &dynamodb.DeleteItemInput{TableName: aws.String("leases"), Key: item{"fleet": text("x")}, ConditionExpression: &condition}
				for name, value := range names {
					if strings.Contains(condition, name) {
						in.ExpressionAttributeNames = merge(in.ExpressionAttributeNames, name, value)
					}
				}
				for _, word := range strings.FieldsFunc(condition, func(c rune) bool { return strings.ContainsRune(" (),[].", c) }) {
					if value, ok := values[word]; ok {
						in.ExpressionAttributeValues = merge(in.ExpressionAttributeValues, word, value)
					}
				}
				_, err = db.DeleteItem(r.Context(), in)
				if met {
					r.must(err)
				} else {
					r.refused(err, "ConditionalCheckFailedException", "The conditional request failed")
				}
			})
		})
	}
}

func merge[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

// What AWS refuses is refused in its words.
func TestExpressionsAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		condition, update string
		names             map[string]string
		values            item
		want              string
	}{
		"unused value":     {condition: "attribute_exists(fleet)", values: item{":x": text("1")}, want: "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}"},
		"unused name":      {condition: "attribute_exists(fleet)", names: map[string]string{"#x": "y"}, want: "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}"},
		"undefined value":  {condition: "fleet = :y", want: "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :y"},
		"undefined name":   {condition: "attribute_exists(#y)", want: "An expression attribute name used in the document path is not defined; attribute name: #y"},
		"reserved":         {condition: "attribute_exists(owner)", want: "Attribute name is a reserved keyword; reserved keyword: owner"},
		"no expression":    {names: map[string]string{"#x": "y"}, want: "ExpressionAttributeNames can only be specified when using expressions"},
		"bad placeholder":  {condition: "attribute_exists(fleet)", names: map[string]string{"x": "y"}, want: `ExpressionAttributeNames contains invalid key: Syntax error; key: "x"`},
		"empty":            {condition: "  ", want: "Invalid ConditionExpression: The expression can not be empty;"},
		"cut short":        {condition: "fleet =", want: `Invalid ConditionExpression: Syntax error; token: "<EOF>"`},
		"odd character":    {condition: "fleet ! fleet", want: `Syntax error; token: "!"`},
		"trailing":         {condition: "attribute_exists(fleet) fleet", want: `Syntax error; token: "fleet"`},
		"no such function": {condition: "exists(fleet)", want: "Invalid function name; function: exists"},
		"key update":       {update: "SET fleet = :x", values: item{":x": text("1")}, want: "Cannot update attribute fleet. This attribute is part of the key"},
		"overlap":          {update: "SET a = :x REMOVE a", values: item{":x": text("1")}, want: "Two document paths overlap"},
		"twice":            {update: "SET a = :x SET b = :x", values: item{":x": text("1")}, want: `The "SET" section can only be used once`},
		"missing operand":  {update: "SET a = ghost", want: "The provided expression refers to an attribute that does not exist in the item"},
		"sum of texts":     {update: "SET a = :x + :x", values: item{":x": text("1")}, want: "An operand in the update expression has an incorrect data type"},
		"not a number":     {update: "SET a = :x", values: item{":x": num("seven")}, want: "The parameter cannot be converted to a numeric value: seven"},
		"overflow":         {update: "SET a = :x", values: item{":x": num("1e999")}, want: "Number overflow"},
	} {
		t.Run(name, func(t *testing.T) {
			onTables(t, func(r *rig, db *dynamodb.Client) {
				in := &dynamodb.UpdateItemInput{TableName: aws.String("leases"), Key: item{"fleet": text("x")},
					ExpressionAttributeNames: test.names, ExpressionAttributeValues: test.values}
				if test.condition != "" {
					in.ConditionExpression = &test.condition
				}
				if test.update != "" {
					in.UpdateExpression = &test.update
				}
				_, err := db.UpdateItem(r.Context(), in)
				r.refused(err, "ValidationException", test.want)
			})
		})
	}
}

func TestUpdateItem(t *testing.T) {
	onTables(t, func(r *rig, db *dynamodb.Client) {
		update := func(expression string, values item) item {
			t.Helper()
			out, err := db.UpdateItem(r.Context(), &dynamodb.UpdateItemInput{
				TableName: aws.String("leases"), Key: item{"fleet": text("x")}, ReturnValues: types.ReturnValueAllNew,
				UpdateExpression: &expression, ExpressionAttributeValues: values,
			})
			r.must(err)
			return out.Attributes
		}
		got := update("SET a = :a, n = if_not_exists(n, :one) + :one", item{":a": text("A"), ":one": num("1")})
		if show(got, "a") != "A" || show(got, "n") != "2" || show(got, "fleet") != "x" {
			t.Errorf("after the first update: %v", got)
		}
		got = update("REMOVE a ADD n :ten SET b = a", item{":ten": num("10")})
		if show(got, "b") != "A" || show(got, "n") != "12" || got["a"] != nil {
			t.Errorf("after the second update: %v", got)
		}
	})
}

func TestItemsAndKeys(t *testing.T) {
	onTables(t, func(r *rig, db *dynamodb.Client) {
		put := func(table string, values item) error {
			_, err := db.PutItem(r.Context(), &dynamodb.PutItemInput{TableName: &table, Item: values})
			return err
		}
		get := func(table string, key item) (item, error) {
			out, err := db.GetItem(r.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
			if err != nil {
				return nil, err
			}
			return out.Item, nil
		}
		r.refused(put("ghost", item{"fleet": text("x")}), "ResourceNotFoundException", "Requested resource not found")
		r.refused(put("leases", item{"n": num("1")}), "ValidationException", "Missing the key fleet in the item")
		r.refused(put("leases", item{"fleet": num("1")}), "ValidationException", "Type mismatch for key fleet expected: S actual: N")
		r.refused(put("leases", item{"fleet": text("")}), "ValidationException", "empty string value. Key: fleet")
		r.refused(put("leases", item{"fleet": text("x"), "big": text(strings.Repeat("x", 401<<10))}), "ValidationException", "Item size has exceeded the maximum allowed size")
		_, err := get("pairs", item{"a": text("1")})
		r.refused(err, "ValidationException", "The provided key element does not match the schema")
		r.must(put("pairs", item{"a": text("1"), "b": text("2"), "n": num("007.50")}))
		got, err := get("pairs", item{"a": text("1"), "b": text("2")})
		r.must(err)
		if show(got, "n") != "7.5" {
			t.Errorf("got %v", got)
		}
		if got, err := get("pairs", item{"a": text("1"), "b": text("3")}); err != nil || got != nil {
			t.Errorf("an item that is not there: %v, %v", got, err)
		}
	})
}

// A condition that was not met can show the item that did not meet it.
func TestConditionFailureShowsTheItem(t *testing.T) {
	onTables(t, func(r *rig, db *dynamodb.Client) {
		in := &dynamodb.PutItemInput{
			TableName: aws.String("leases"), Item: item{"fleet": text("x"), "by": text("alice")},
			ConditionExpression:                 aws.String("attribute_not_exists(fleet)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}
		_, err := db.PutItem(r.Context(), in)
		r.must(err)
		_, err = db.PutItem(r.Context(), in)
		check, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
		if !ok || show(check.Item, "by") != "alice" {
			t.Errorf("got %v", err)
		}
	})
}

// Only consistent reads show what was just written, where reads lag.
func TestReadsLag(t *testing.T) {
	world := tableWorld()
	world.Knobs.Latencies = map[string]time.Duration{"itemLag": 2 * time.Second}
	inBubble(t, Options{World: world}, func(r *rig) {
		db := dynamodb.NewFromConfig(r.as(homeAccount))
		read := func(consistent bool) string {
			out, err := db.GetItem(r.Context(), &dynamodb.GetItemInput{
				TableName: aws.String("leases"), Key: item{"fleet": text("x")}, ConsistentRead: &consistent})
			r.must(err)
			return show(out.Item, "n")
		}
		put := func(n string) {
			_, err := db.PutItem(r.Context(), &dynamodb.PutItemInput{TableName: aws.String("leases"), Item: item{"fleet": text("x"), "n": num(n)}})
			r.must(err)
		}
		put("1")
		time.Sleep(time.Second)
		put("2")
		if got := read(true) + "," + read(false); got != "2," {
			t.Errorf("at once: %s", got)
		}
		time.Sleep(time.Second)
		if got := read(true) + "," + read(false); got != "2,1" {
			t.Errorf("after a second: %s", got)
		}
		time.Sleep(time.Second)
		if got := read(false); got != "2" {
			t.Errorf("after two: %s", got)
		}
	})
}

func TestCreateTable(t *testing.T) {
	onTables(t, func(r *rig, db *dynamodb.Client) {
		in := &dynamodb.CreateTableInput{
			TableName: aws.String("made"), BillingMode: types.BillingModePayPerRequest,
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("fleet"), KeyType: types.KeyTypeHash}},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("fleet"), AttributeType: types.ScalarAttributeTypeS}},
		}
		_, err := db.CreateTable(r.Context(), in)
		r.must(err)
		_, err = db.CreateTable(r.Context(), in)
		r.refused(err, "ResourceInUseException", "Table already exists: made")
		_, err = db.PutItem(r.Context(), &dynamodb.PutItemInput{TableName: in.TableName, Item: item{"fleet": text("x")}})
		r.refused(err, "ResourceNotFoundException", "Requested resource not found")
		r.must(dynamodb.NewTableExistsWaiter(db).Wait(r.Context(), &dynamodb.DescribeTableInput{TableName: in.TableName}, time.Minute))
		_, err = db.PutItem(r.Context(), &dynamodb.PutItemInput{TableName: in.TableName, Item: item{"fleet": text("x")}})
		r.must(err)
		_, err = db.DescribeTable(r.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("ghost")})
		r.refused(err, "ResourceNotFoundException", "Requested resource not found: Table: ghost not found")
	})
}

// A table with one provisioned unit saves up those of five minutes.
func TestProvisionedThroughput(t *testing.T) {
	onTables(t, func(r *rig, db *dynamodb.Client) {
		_, err := db.CreateTable(r.Context(), &dynamodb.CreateTableInput{
			TableName:             aws.String("slow"),
			ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(1)},
			KeySchema:             []types.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: types.KeyTypeHash}},
			AttributeDefinitions:  []types.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: types.ScalarAttributeTypeS}},
		})
		r.must(err)
		time.Sleep(time.Minute)
		put := func() error {
			_, err := db.PutItem(r.Context(), &dynamodb.PutItemInput{TableName: aws.String("slow"), Item: item{"k": text("x")}})
			return err
		}
		for range 300 {
			r.must(put())
		}
		r.refused(put(), "ProvisionedThroughputExceededException", "The level of configured provisioned throughput")
		time.Sleep(time.Second)
		r.must(put())
	})
}

// The wire's forms are DynamoDB's own.
func TestDynamoWire(t *testing.T) {
	for name, test := range map[string]struct{ op, body, want string }{
		"condition": {"DeleteItem", `{"TableName":"leases","Key":{"fleet":{"S":"x"}},"ConditionExpression":"attribute_exists(fleet)"}`,
			`"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"`},
		"missing":      {"GetItem", `{"TableName":"leases"}`, `{"__type":"com.amazon.coral.validate#ValidationException","message":"1 validation error detected: Value null at 'key' failed to satisfy constraint: Member must not be null"}`},
		"two types":    {"GetItem", `{"TableName":"leases","Key":{"fleet":{"S":"x","N":"1"}}}`, "more than one datatypes set"},
		"no type":      {"GetItem", `{"TableName":"leases","Key":{"fleet":{}}}`, "Supplied AttributeValue is empty"},
		"not a string": {"GetItem", `{"TableName":"leases","Key":{"fleet":{"S":1}}}`, "com.amazon.coral.service#SerializationException"},
		"no operation": {"Sing", `{}`, "com.amazon.coral.service#UnknownOperationException"},
		"legacy":       {"PutItem", `{"TableName":"leases","Item":{"fleet":{"S":"x"}},"Expected":{"fleet":{"Exists":false}}}`, "legacy parameter Expected"},
	} {
		t.Run(name, func(t *testing.T) {
			onTables(t, func(r *rig, _ *dynamodb.Client) {
				req := newRequest(r, test.body)
				req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+homeAccount+"/20300101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
				req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+test.op)
				status, body := r.send(req)
				if status != http.StatusBadRequest || !strings.Contains(body, test.want) {
					t.Errorf("%d %s\nwant 400 with %s", status, body, test.want)
				}
			})
		})
	}
}

// Items outlive the simulator in its state file.
func TestItemsAreKept(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	inBubble(t, Options{World: tableWorld(), State: state}, func(r *rig) {
		_, err := dynamodb.NewFromConfig(r.as(homeAccount)).PutItem(r.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("leases"), Item: item{"fleet": text("x"), "m": &types.AttributeValueMemberM{Value: item{"n": num("1")}}}})
		r.must(err)
		again, err := New(Options{World: tableWorld(), State: state})
		r.must(err)
		r.sim = again
		_, err = dynamodb.NewFromConfig(r.as(homeAccount)).DeleteItem(r.Context(), &dynamodb.DeleteItemInput{
			TableName: aws.String("leases"), Key: item{"fleet": text("x")},
			ConditionExpression: aws.String("m.n = :n"), ExpressionAttributeValues: item{":n": num("1")}})
		r.must(err)
	})
}
