package awssim

import "strings"

// mostEntries is how many entries a batch may have (SQS API reference).
const mostEntries = 10

func sendMessages(c *call) (M, error) { return c.batch("SendMessage", c.send) }

func deleteMessages(c *call) (M, error) { return c.batch("DeleteMessage", c.remove) }

func changeVisibilities(c *call) (M, error) {
	return c.batch("ChangeMessageVisibility", c.setVisibility)
}

// batch does each entry of the request, whose IAM action is sqs:action, and
// tells of each what came of it.
func (c *call) batch(action string, each func(*queue, M) (M, error)) (M, error) {
	q, err := c.queueFor(action)
	if err != nil {
		return nil, err
	}
	entries := c.in.list("Entries")
	if err := checkEntries(action, entries); err != nil {
		return nil, err
	}
	done, failed := []M{}, []M{}
	for _, entry := range entries {
		out, err := each(q, entry)
		if err != nil {
			refusal := refusalOf(err)
			failed = append(failed, M{
				"Id": entry.str("Id"), "SenderFault": true, "Code": queryCode(refusal.Code), "Message": refusal.Message,
			})
			continue
		}
		out["Id"] = entry.str("Id")
		done = append(done, out)
	}
	return M{"Successful": list(done), "Failed": list(failed)}, nil
}

func checkEntries(action string, entries []M) error {
	switch n := len(entries); {
	case n == 0:
		return refuse("EmptyBatchRequest", "There should be at least one %sBatchRequestEntry in the request.", action)
	case n > mostEntries:
		return refuse("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", mostEntries, n)
	}
	seen := make(map[string]bool)
	for _, entry := range entries {
		id := entry.str("Id")
		odd := strings.ContainsFunc(id, func(r rune) bool { return r != '-' && r != '_' && !isAlphanumeric(r) })
		if id == "" || len(id) > 80 || odd {
			return refuse("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return refuse("BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}
