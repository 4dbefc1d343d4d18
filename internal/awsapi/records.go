package awsapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// RecordKey is the partition key, a string, of a table that keeps [Records].
const RecordKey = "fleet"

// Records are small records in a DynamoDB table, which several processes
// change without losing each other's changes. A record is strings by name.
type Records struct {
	client *dynamodb.Client
	table  string
}

// Records are those of a table in this place.
func (p *Place) Records(table string) *Records {
	return &Records{client: p.Dynamo, table: table}
}

// Get is the record of key as it is now, never as it was; nil if there is
// none.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
func (r *Records) Get(ctx context.Context, key string) (map[string]string, error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &r.table,
		Key:            map[string]types.AttributeValue{RecordKey: &types.AttributeValueMemberS{Value: key}},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, r.explain(err)
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	record := map[string]string{}
	for name, value := range out.Item {
		if text, ok := value.(*types.AttributeValueMemberS); ok && name != RecordKey {
			record[name] = text.Value
		}
	}
	return record, nil
}

// PutIf makes next the record of key if, at that moment, the record has all
// that was has; a nil was wants that there be none. It reports whether so it
// was.
//
// A request whose answer was lost is sent again, and then finds its own work:
// PutIf reports false although next is the record. Who must know looks with
// Get for something in next that only it can have written.
func (r *Records) PutIf(ctx context.Context, key string, next, was map[string]string) (bool, error) {
	in := &dynamodb.PutItemInput{
		TableName: &r.table,
		Item:      map[string]types.AttributeValue{RecordKey: &types.AttributeValueMemberS{Value: key}},
	}
	for name, value := range next {
		in.Item[name] = &types.AttributeValueMemberS{Value: value}
	}
	in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues = conditionOf(was)
	_, err := r.client.PutItem(ctx, in)
	if _, not := errors.AsType[*types.ConditionalCheckFailedException](err); not {
		return false, nil
	}
	return err == nil, r.explain(err)
}

// conditionOf says in DynamoDB's language that a record has all of was.
func conditionOf(was map[string]string) (condition *string, names map[string]string, values map[string]types.AttributeValue) {
	names = map[string]string{"#key": RecordKey}
	if was == nil {
		return aws.String("attribute_not_exists(#key)"), names, nil
	}
	text := "attribute_exists(#key)"
	for i, name := range slices.Sorted(maps.Keys(was)) {
		n := strconv.Itoa(i)
		text += " AND #n" + n + " = :v" + n
		names["#n"+n] = name
		if values == nil {
			values = map[string]types.AttributeValue{}
		}
		values[":v"+n] = &types.AttributeValueMemberS{Value: was[name]}
	}
	return &text, names, values
}

// explain says what to do about a table that is not there or not as it must
// be.
func (r *Records) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case IsNotFound(err):
		return fmt.Errorf("there is no DynamoDB table %s; make it with a partition key %s of type String: %w", r.table, RecordKey, err)
	case Code(err) == "ValidationException":
		return fmt.Errorf("the DynamoDB table %s cannot keep the record; it needs a partition key %s of type String, and no sort key: %w", r.table, RecordKey, err)
	}
	return err
}
